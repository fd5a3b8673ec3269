import { X509Certificate } from 'node:crypto';
import { issuerIn } from '../../../webhook/bundle.ts';
import { INSTALL_NAMESPACE, WEBHOOK_ENTRY, WEBHOOK_NAME } from '../../../webhook/names.ts';
import { defineCheck, type Finding } from '../check.ts';
import { certificateSecretOf } from '../../install/certificate-secret.ts';
import type { Issuing, Values } from '../snapshot.ts';

const DAY_MS = 86_400_000;
/** The webhook replaces its certificate when 20 of its 30 days are left. */
const WARN_DAYS = 15;
const HOST = `${WEBHOOK_NAME}.${INSTALL_NAMESPACE}.svc`;
const logs = `kubectl logs -n ${INSTALL_NAMESPACE} -l app.kubernetes.io/component=webhook --prefix`;

export const certificateChecks = [
  defineCheck({
    code: 'MCP201',
    category: 'certificate',
    title: 'the caBundle holds a certificate',
    severity: 'error',
    about:
      'The API server cannot trust the webhook, and refuses annotated pods. The webhook looks at it every ten seconds and writes it where it is not right.',
    remedy: `Wait ten seconds. If it stays empty, the log of the webhook says why (\`${logs}\`), or something else rewrites the configuration.`,
    needs: ['configuration'],
    uses: ['issuing', 'earlyWord'],
    after: ['MCP101'],
    run: ({ configuration, issuing, earlyWord }) => {
      const text = bundleText(configuration);
      const [writer, fix] = issuing
        ? ["cert-manager's CA injector", describe(issuing)]
        : ['the webhook', logs];
      if (!text) return [{ title: `the caBundle is empty: ${writer} has not written it`, fix }];
      if (bundle(configuration).length === 0) return [{ title: 'the caBundle is not PEM', fix }];
      return (earlyWord?.webhooks ?? [])
        .filter(({ clientConfig }) => clientConfig.caBundle !== text)
        .map(({ name }) => ({
          title: `the caBundle of ${name} is not that of ${WEBHOOK_ENTRY}: ${writer} has not written it`,
          cause: ['nobody is told of a wrong template before its pods are refused'],
          fix,
          severity: 'warning' as const,
        }));
    },
  }),
  defineCheck({
    code: 'MCP202',
    category: 'certificate',
    title: `the serving certificate is signed by the caBundle, for ${HOST}`,
    severity: 'error',
    about: 'The API server ends the TLS handshake ("x509"), and refuses annotated pods.',
    remedy: `Wait ten seconds: the webhook mends what is wrong in its Secret and in the caBundle. If it does not, its log says why: \`${logs}\`.`,
    needs: ['configuration', 'certificate'],
    uses: ['issuing', 'webhookDeployment'],
    after: ['MCP101', 'MCP201'],
    run: ({ configuration, certificate, issuing, webhookDeployment = null }) => {
      const leaf = certificate === null ? undefined : parse(certificate);
      if (!leaf) {
        return [
          {
            title: `Secret ${certificateSecretOf(webhookDeployment)} in namespace ${INSTALL_NAMESPACE} has no certificate`,
            fix: issuing ? describe(issuing) : logs,
          },
        ];
      }
      const trusted = Buffer.from(bundleText(configuration) ?? '', 'base64').toString('utf8');
      const signed = issuerIn(trusted, certificate ?? '');
      const cause = [
        ...(signed ? [] : ['none of the CAs in the caBundle has signed it']),
        ...(leaf.checkHost(HOST) === undefined
          ? [`it names ${leaf.subjectAltName ?? 'no host'}, not ${HOST}`]
          : []),
      ];
      return cause.length > 0
        ? [
            {
              title: 'the API server rejects the serving certificate',
              cause,
              fix: issuing ? describe(issuing) : logs,
            },
          ]
        : [];
    },
  }),
  defineCheck({
    code: 'MCP203',
    category: 'certificate',
    title: `no certificate of the webhook expires within ${WARN_DAYS} days`,
    severity: 'warning',
    about: `The certificate or its CA ends soon. An error when it has ended, or does within a day: then annotated pods are refused.`,
    remedy: `The webhook replaces both when a third of their life has passed. Its log says why it did not: \`${logs}\`. Where cert-manager issues, its Certificate says so.`,
    needs: ['configuration'],
    uses: ['certificate', 'issuing'],
    after: ['MCP101', 'MCP201'],
    run: ({ configuration, certificate, issuing }, { nowMs }) => {
      const found = [
        ...lastToExpire(bundle(configuration)).flatMap((ca) => expiry('the CA certificate', ca, nowMs)),
        ...[parse(certificate ?? '')].flatMap((leaf) =>
          leaf ? expiry('the serving certificate', leaf, nowMs) : [],
        ),
      ];
      return issuing ? found.map((each) => ({ ...each, fix: describe(issuing) })) : found;
    },
  }),
];

const describe = ({ certificate }: Issuing): string => {
  const [namespace, name] = certificate.split('/');
  return `kubectl describe certificate -n ${namespace} ${name}`;
};

const bundleText = (configuration: Values['configuration']): string | undefined =>
  configuration?.webhooks?.find((each) => each.name === WEBHOOK_ENTRY)?.clientConfig.caBundle;

const bundle = (configuration: Values['configuration']): X509Certificate[] =>
  (
    Buffer.from(bundleText(configuration) ?? '', 'base64')
      .toString('utf8')
      .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  ).flatMap((each) => parse(each) ?? []);

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** During a rotation the bundle holds the old CA too; it may end. */
const lastToExpire = (certificates: X509Certificate[]): X509Certificate[] =>
  certificates.toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime()).slice(0, 1);

function expiry(what: string, { validToDate }: X509Certificate, nowMs: number): Finding[] {
  const leftMs = validToDate.getTime() - nowMs;
  if (leftMs > WARN_DAYS * DAY_MS) return [];
  const day = validToDate.toISOString().slice(0, 10);
  const days = Math.floor(leftMs / DAY_MS);
  const title =
    leftMs <= 0
      ? `${what} has expired (${day})`
      : `${what} expires in ${days} ${days === 1 ? 'day' : 'days'} (${day})`;
  return [{ title, fix: logs, severity: leftMs < DAY_MS ? 'error' : 'warning' }];
}
