/** Who issues for the webhook, who writes what the API server trusts, and what each replica makes of it. */
import { X509Certificate } from 'node:crypto';
import { issuerIn } from '../../../webhook/bundle.ts';
import {
  FIELD_MANAGER,
  INSTALL_NAMESPACE,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_ENTRY,
} from '../../../webhook/names.ts';
import { defineCheck, type Finding } from '../check.ts';
import type { Values } from '../snapshot.ts';

/** Its own CA is another every 122 days; more than this many are somebody else's doing. */
const MANY_WRITES = 5;
const CONFIGURATION = `mutatingwebhookconfiguration/${WEBHOOK_CONFIGURATION}`;
const logsOf = (pod: string): string => `kubectl logs ${pod} -n ${INSTALL_NAMESPACE}`;

export const trustChecks = [
  defineCheck({
    code: 'MCP204',
    category: 'certificate',
    title: 'each replica serves a certificate that the API server trusts, and the one of the Secret',
    severity: 'error',
    about:
      'A replica serves another certificate than the caBundle is for: of the pods that it is asked about, each is refused. One that serves another than the Secret’s, but a trusted one, is a warning: it follows within 20 seconds.',
    remedy:
      'Its log says what it waits for. A replica that never follows is replaced by deleting its pod; the others go on meanwhile.',
    needs: ['configuration', 'certificate', 'webhookReplicas'],
    after: ['MCP101', 'MCP201'],
    run: ({ configuration, certificate, webhookReplicas }, { nowMs }) => {
      const bundle = caBundleOf(configuration);
      return Object.entries(webhookReplicas).flatMap(([pod, replica]): Finding[] => {
        const fix = logsOf(pod);
        if ('fault' in replica)
          return [{ title: `pod ${pod} does not answer`, cause: [replica.fault], fix, severity: 'warning' }];
        const served = parse(replica.certificate);
        const words = replica.unready === undefined ? [] : [`it says: ${replica.unready}`];
        const ended = served && served.validToDate.getTime() <= nowMs;
        if (!served || ended || !issuerIn(bundle, replica.certificate)) {
          const why = ended
            ? `that expired at ${served.validToDate.toISOString()}`
            : 'that no CA in the caBundle has signed';
          return [{ title: `pod ${pod} serves a certificate ${why}`, cause: words, fix }];
        }
        const stored = parse(certificate ?? '');
        if (!stored || stored.fingerprint256 === served.fingerprint256) return [];
        const cause = [
          `serial numbers: served ${served.serialNumber}, in the Secret ${stored.serialNumber}`,
          ...words,
        ];
        const title = `pod ${pod} serves another certificate than that of the Secret`;
        return [{ title, cause, fix, severity: 'warning' }];
      });
    },
  }),
  defineCheck({
    code: 'MCP205',
    category: 'certificate',
    title: 'what cert-manager issues for the webhook is there and ready',
    severity: 'error',
    about:
      'The webhook configuration names a Certificate (`cert-manager.io/inject-ca-from`) that does not exist or is not ready: nobody writes the caBundle, or nobody replaces the certificate before it ends.',
    remedy:
      'Mend the Certificate as its condition says (`kubectl describe certificate -n NAMESPACE NAME`), or name another in the annotation.',
    needs: ['configuration', 'issuing'],
    after: ['MCP101'],
    run: ({ issuing }) => {
      if (!issuing || issuing.ready) return [];
      const [namespace, name] = issuing.certificate.split('/');
      if (!issuing.exists) {
        return [
          {
            title: `there is no Certificate ${issuing.certificate}`,
            cause: [`${CONFIGURATION} takes its caBundle from it (cert-manager.io/inject-ca-from)`],
            fix: `kubectl apply -k manifests/components/cert-manager, or kubectl annotate ${CONFIGURATION} cert-manager.io/inject-ca-from=NAMESPACE/NAME --overwrite`,
          },
        ];
      }
      return [
        {
          title: `certificate/${name} in namespace ${namespace} is not ready`,
          cause: issuing.message ? [issuing.message] : [],
          fix: `kubectl describe certificate,certificaterequest -n ${namespace}`,
        },
      ];
    },
  }),
  defineCheck({
    code: 'MCP206',
    category: 'certificate',
    title: 'one and no more writes the caBundle',
    severity: 'warning',
    about:
      'Two tools write the caBundle in turn, the webhook (or cert-manager) and one that applies manifests: between two writes annotated pods are refused.',
    remedy:
      'Take `caBundle` out of what the other tool applies, and have it ignore the field (Argo CD: `ignoreDifferences`, with `RespectIgnoreDifferences=true`). The manifests as shipped do not hold it.',
    needs: ['configuration'],
    uses: ['webhookReplicas', 'issuing'],
    after: ['MCP101'],
    run: ({ configuration, webhookReplicas = {}, issuing }) => {
      const writers = bundleWriters(configuration);
      const rewritten = Object.entries(webhookReplicas).flatMap(([pod, replica]) =>
        'caBundleWrites' in replica && replica.caBundleWrites >= MANY_WRITES
          ? [`pod ${pod} has had to write it ${replica.caBundleWrites} times since its start`]
          : [],
      );
      const isOther = !issuing && writers.length > 0 && !writers.includes(FIELD_MANAGER);
      if (writers.length < 2 && rewritten.length === 0 && !isOther) return [];
      const cause = [
        ...(writers.length > 0 ? [`by its managedFields, it is written by ${writers.join(' and ')}`] : []),
        ...rewritten,
      ];
      const fix = `kubectl get ${CONFIGURATION} -o yaml --show-managed-fields`;
      return [{ title: `the caBundle of ${CONFIGURATION} is written by others, too`, cause, fix }];
    },
  }),
];

function caBundleOf(configuration: Values['configuration']): string {
  const entry = configuration?.webhooks?.find(({ name }) => name === WEBHOOK_ENTRY);
  return Buffer.from(entry?.clientConfig.caBundle ?? '', 'base64').toString('utf8');
}

/** Field managers, as they call themselves. */
function bundleWriters(configuration: Values['configuration']): string[] {
  const path = ['f:webhooks', `k:{"name":"${WEBHOOK_ENTRY}"}`, 'f:clientConfig', 'f:caBundle'];
  const owns = (fields: unknown): boolean =>
    path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], fields) !==
    undefined;
  const found = configuration?.metadata?.managedFields ?? [];
  return [...new Set(found.filter((each) => owns(each.fieldsV1)).map((each) => each.manager ?? 'somebody'))];
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
