/** Why a pod was not created, from the API server's words. Pure. */
import type { ForeseenReason } from '../../webhook/foresee/foreseen.ts';
import { REASONS, codesIn } from '../../webhook/reasons.ts';
import { INSTALL_NAMESPACE, WEBHOOK_ENTRY, WEBHOOK_NAME } from '../../webhook/names.ts';

export interface Decoded {
  readonly cause: string;
  readonly fix: string;
  /** Where it is a limit of the namespace. */
  readonly reason?: ForeseenReason;
}

/** Of a pod that is to mount a volume that it has not. */
export const MISSING_VOLUME = /volumeMounts\[\d+\]\.name: Not found: "([^"]*)"/;

/** The API server does not say whose amount it is: the proxy's, as a rule. */
const SMALLER = 'give the pod template an init container mcp-proxy with resources that fit';

const RULES: readonly { when: RegExp; decode: (found: RegExpExecArray) => Decoded }[] = [
  {
    when: new RegExp(`admission webhook "${WEBHOOK_ENTRY}" denied the request: (.*)`, 's'),
    decode: ([, text]) => ({
      cause: `the webhook refuses them: ${text!.trim()}`,
      fix: mendOf(text!) || 'mend the annotations of the pod template as the message says',
    }),
  },
  {
    when: new RegExp(`failed calling webhook "${WEBHOOK_ENTRY}": (.*)`, 's'),
    decode: ([, text]) => ({
      cause: `the API server cannot reach the webhook: ${reachFault(text!)}`,
      fix: reachFix,
    }),
  },
  {
    when: MISSING_VOLUME,
    decode: ([, volume]) => ({
      cause: `they have no volume "${volume}", which they are to mount`,
      fix: `add the volume to the pod template, or mend the annotation that names it (token-volume, upstream-headers-volume)`,
    }),
  },
  {
    when: /violates PodSecurity "([^"]*)": (.*)/s,
    decode: ([, level, text]) => ({
      cause: `Pod Security level ${level} forbids them: ${text!.trim()}`,
      fix: 'mend the named fields in the pod template; the proxy container itself satisfies "restricted"',
      reason: 'PodSecurityViolated',
    }),
  },
  {
    when: /exceeded quota: ([^,]+)(.*)/s,
    decode: ([, name, text]) => ({
      cause: `a ResourceQuota leaves no room: ${name}${text!.trimEnd()}`,
      fix: `raise resourcequota/${name}, make room in the namespace, or ${SMALLER}`,
      reason: 'QuotaExceeded',
    }),
  },
  {
    when: /(?:failed quota: ([^:]+): (.*)|status unknown for quota: ([^,]+)(.*))/s,
    decode: ([, name, text, uncounted, resources]) => ({
      cause: name
        ? `resourcequota/${name} counts what every container has to state: ${text!.trim()}`
        : `resourcequota/${uncounted} has not been counted yet${resources!.trimEnd()}`,
      fix: name
        ? `state it in the pod template, or change resourcequota/${name}`
        : `wait; else see kubectl get resourcequota ${uncounted} -o yaml`,
      reason: 'QuotaExceeded',
    }),
  },
  {
    when: /(\[?(?:(?:minimum|maximum) \S+ usage per (?:Container|Pod)|\S+ max limit to request ratio per (?:Container|Pod)) .*)/s,
    decode: ([, text]) => ({
      cause: `a LimitRange forbids them: ${text!.trim()}`,
      fix: `${SMALLER}, or change the LimitRange (kubectl get limitranges -o yaml)`,
      reason: 'LimitRangeExceeded',
    }),
  },
];

const reachFix = `kubectl get pods,endpointslices -n ${INSTALL_NAMESPACE}; kubectl logs -n ${INSTALL_NAMESPACE} deploy/${WEBHOOK_NAME}`;

/** What the ways of not reaching a webhook mean for a person. */
const REACH_FAULTS: readonly [RegExp, string][] = [
  [
    /context deadline exceeded|i\/o timeout/,
    'no answer in time; does a firewall close port 8443 between the control plane and the nodes?',
  ],
  [/no endpoints available/, 'its Service has no ready pod'],
  [/connection refused/, 'its pod does not listen'],
  [/x509/, 'its certificate does not match the caBundle'],
  [/not found/, 'its Service does not exist'],
  [/Address is not allowed/, 'the control plane may not connect to pod addresses'],
];

export function decodeRefusal(message: string): Decoded {
  for (const { when, decode } of RULES) {
    const found = when.exec(message);
    if (found) return decode(found);
  }
  return { cause: message.trim(), fix: 'kubectl get events --field-selector reason=FailedCreate' };
}

const mendOf = (text: string): string =>
  codesIn(text)
    .map((code) => REASONS[code])
    .flatMap((row) => ('mend' in row ? [row.mend] : []))
    .join('; ');

function reachFault(text: string): string {
  const known = REACH_FAULTS.find(([pattern]) => pattern.test(text));
  return known ? `${known[1]} (${text.trim()})` : text.trim();
}
