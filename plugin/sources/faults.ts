/** What is wrong with the Secrets and ConfigMaps that annotations name: one judgement for `enable` and `doctor`. Pure. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { V1Service } from '@kubernetes/client-node';
import type * as Policy from '../../sidecar/filter/read-policy.ts';
import type * as Pins from '../../sidecar/pins/pins-schema.ts';
import { PREFIX } from '../../webhook/names.ts';
import type { NamedSource } from './named.ts';
import { namesOfService } from './names.ts';
import type { SourceFacts } from './read.ts';

export type FaultKind = 'missing' | 'content' | 'certificate' | 'expiry' | 'names' | 'policy';

export interface SourceFault {
  readonly kind: FaultKind;
  readonly severity: 'error' | 'warning';
  /** `Secret x in namespace y does not exist`. */
  readonly title: string;
  readonly cause?: readonly string[];
  readonly fix: string;
}

export interface SourceContext {
  readonly namespace: string;
  readonly nowMs: number;
  /** Those that lead to the workload. */
  readonly services?: readonly V1Service[] | undefined;
  /** The annotation. */
  readonly publicUrl?: string | undefined;
}

const DAY_MS = 86_400_000;
export const WARN_DAYS = 14;
const TLS_TYPE = 'kubernetes.io/tls';
/** The value itself would load the parser. */
const POLICY_KEY: typeof Policy.POLICY_KEY = 'policy.yaml';
const PINS_KEY: typeof Pins.PINS_KEY = 'pins.json';

/** @param facts null: it is not there. */
export function sourceFaults(
  source: NamedSource,
  facts: SourceFacts | null,
  context: SourceContext,
): SourceFault[] {
  const { key, kind, name } = source;
  const titled = `${kind} ${name} in namespace ${context.namespace}`;
  const at = `-n ${context.namespace}`;
  const create = `${CREATE[key as keyof typeof CREATE](name)} ${at}`;
  const fault = (faultKind: FaultKind, words: string, cause?: readonly string[]): SourceFault => ({
    kind: faultKind,
    severity: 'error',
    title: `${titled} ${words}`,
    ...(cause && { cause }),
    fix: fixOf(faultKind),
  });
  const fixOf = (faultKind: FaultKind): string => {
    if (faultKind === 'missing') return create;
    if (key !== 'tls-secret') return `kubectl edit ${kind.toLowerCase()} ${name} ${at}`;
    // The type of a Secret cannot be changed.
    return facts?.type === TLS_TYPE
      ? `${create} --dry-run=client -o yaml | kubectl apply -f -`
      : `kubectl delete secret ${name} ${at}, then ${create}`;
  };
  if (facts === null) {
    return [
      fault('missing', 'does not exist', [`new pods wait for it: ${PREFIX}${source.written} names it`]),
    ];
  }
  if (key === 'policy' || key === 'pins') return policyFaults(facts, key, fault);
  if (key === 'tls-secret') return tlsFaults(facts, context, fault);
  const { contentFaults = [] } = facts;
  if (key === 'ca-configmap')
    return contentFaults.length === 0
      ? []
      : [
          fault(
            'content',
            'holds no authorities: providers are trusted by those of everybody',
            contentFaults,
          ),
        ];
  if (isAuthority(key))
    return contentFaults.length === 0
      ? []
      : [fault('content', 'holds no authorities: the server is not spoken to', contentFaults)];
  if (key === 'trusted-actors')
    return contentFaults.length === 0
      ? []
      : [
          fault(
            'content',
            'has keys that cannot be used: these actors may not speak for others',
            contentFaults,
          ),
        ];
  if (key === 'mtls-ca-secret' || key === 'mtls-ca-configmap')
    return contentFaults.length === 0
      ? []
      : [fault('content', 'holds no authorities: nobody can call with a certificate', contentFaults)];
  if (facts.keys.length === 0) return [fault('content', 'has no key: nobody can call')];
  return contentFaults.length === 0
    ? []
    : [fault('content', 'cannot be used: nobody can call', contentFaults)];
}

/** By annotation: the command that makes what it names. */
const CREATE = {
  'token-secret': (name: string) => `kubectl create secret generic ${name} --from-literal=CALLER=TOKEN`,
  'oidc-introspection-secret': (name: string) =>
    `kubectl create secret generic ${name} --from-literal=client_id=ID --from-literal=client_secret=SECRET`,
  'tls-secret': (name: string) => `kubectl create secret tls ${name} --cert=FILE --key=FILE`,
  'upstream-headers-secret': (name: string) =>
    `kubectl create secret generic ${name} --from-literal=HEADER=VALUE`,
  'mtls-ca-secret': (name: string) => `kubectl create secret generic ${name} --from-file=ca.crt=FILE`,
  'mtls-ca-configmap': (name: string) => `kubectl create configmap ${name} --from-file=ca.crt=FILE`,
  'upstream-ca-secret': (name: string) => `kubectl create secret generic ${name} --from-file=ca.crt=FILE`,
  'upstream-ca-configmap': (name: string) => `kubectl create configmap ${name} --from-file=ca.crt=FILE`,
  'upstream-token-secret': (name: string) =>
    `kubectl create secret generic ${name} --from-literal=client_id=ID --from-literal=client_secret=SECRET`,
  'ca-configmap': (name: string) => `kubectl create configmap ${name} --from-file=ca.crt=FILE`,
  'trusted-actors': (name: string) =>
    `kubectl create configmap ${name} --from-file=NAMESPACE.SERVICEACCOUNT=JWKS_FILE`,
  policy: (name: string) => `kubectl create configmap ${name} --from-file=${POLICY_KEY}`,
  pins: () => 'kubectl mcp pin NAME',
};

const isAuthority = (key: string): boolean => key === 'upstream-ca-secret' || key === 'upstream-ca-configmap';

type Fault = (kind: FaultKind, words: string, cause?: readonly string[]) => SourceFault;

const policyFaults = (
  { keys, contentFaults: faults }: SourceFacts,
  key: 'policy' | 'pins',
  fault: Fault,
): SourceFault[] => {
  const file = key === 'pins' ? PINS_KEY : POLICY_KEY;
  if (faults === undefined) {
    return [fault('policy', `has no key ${file}`, [`it has: ${keys.join(', ') || 'none'}`])];
  }
  const what = key === 'pins' ? 'no pins' : 'no policy';
  return faults.length === 0 ? [] : [fault('policy', `holds ${what} in ${file}`, faults)];
};

function tlsFaults({ type, certificate }: SourceFacts, context: SourceContext, fault: Fault): SourceFault[] {
  const wrongType =
    type === TLS_TYPE ? [] : [fault('certificate', `is of type ${type ?? 'Opaque'}, not ${TLS_TYPE}`)];
  if (!certificate || 'fault' in certificate) {
    return [...wrongType, fault('certificate', 'cannot be served', [certificate?.fault ?? 'it is empty'])];
  }
  const leaf = new X509Certificate(certificate.pem);
  return [...wrongType, ...expiry(leaf, context.nowMs, fault), ...names(leaf, context, fault)];
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

function expiry({ validToDate, validFromDate }: X509Certificate, nowMs: number, fault: Fault): SourceFault[] {
  if (validFromDate.getTime() > nowMs) {
    return [fault('expiry', `holds a certificate that is valid from ${day(validFromDate)} only`)];
  }
  const leftMs = validToDate.getTime() - nowMs;
  if (leftMs <= 0) return [fault('expiry', `holds a certificate that has expired (${day(validToDate)})`)];
  if (leftMs > WARN_DAYS * DAY_MS) return [];
  const days = Math.floor(leftMs / DAY_MS);
  const words = `holds a certificate that expires in ${days} ${days === 1 ? 'day' : 'days'} (${day(validToDate)})`;
  return [{ ...fault('expiry', words), severity: 'warning' }];
}

/** A certificate for the name outside the cluster alone is somebody's choice. */
function names(
  leaf: X509Certificate,
  { namespace, services = [], publicUrl }: Omit<SourceContext, 'nowMs'>,
  fault: Fault,
): SourceFault[] {
  const covers = (host: string): boolean =>
    (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined;
  if (
    publicUrl !== undefined &&
    URL.canParse(publicUrl) &&
    covers(new URL(publicUrl).hostname.replace(/^\[|\]$/g, ''))
  )
    return [];
  return services
    .map((each) => namesOfService(each.metadata!.name!, namespace))
    .filter((each) => !each.some(covers))
    .map(([name]) => ({
      ...fault('names', `holds a certificate that is not for ${name}`, [
        `it names ${leaf.subjectAltName ?? 'no host'}`,
      ]),
      severity: 'warning' as const,
    }));
}
