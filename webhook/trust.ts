/** Keeps certificate and trust together: the Secret holds the one, the webhook configuration the other. */
import type { V1MutatingWebhookConfiguration, V1Secret } from '@kubernetes/client-node';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import { currentCertificates } from './certificates.ts';
import type { CertificateData } from './certificates.ts';
import { INSTALL_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_ENTRY, WEBHOOK_NAME } from './names.ts';

export const WEBHOOK_HOST = `${WEBHOOK_NAME}.${INSTALL_NAMESPACE}.svc`;
const SECRET_PATH = `/api/v1/namespaces/${INSTALL_NAMESPACE}/secrets/${WEBHOOK_NAME}`;
const GROUP = 'admissionregistration.k8s.io/v1';
const CONFIGURATION_PATH = `/apis/${GROUP}/mutatingwebhookconfigurations/${WEBHOOK_CONFIGURATION}`;
const ATTEMPTS = 5;

/**
 * The certificates of the Secret, issued and stored where they are missing or old. Replicas that start at once agree
 * by resourceVersion: the second one reads what the first one wrote.
 */
export async function loadCertificates(api: Api, now: () => Date): Promise<CertificateData> {
  for (let attempt = 1; ; attempt++) {
    const secret = await api.get<V1Secret>(SECRET_PATH);
    const stored = decode(secret.data);
    const current = await currentCertificates(stored, WEBHOOK_HOST, now());
    if (current === stored) return current;
    try {
      await api.put(SECRET_PATH, { ...secret, data: { ...secret.data, ...encode(current) } });
      return current;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409) || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Writes the CA into the webhook configuration where it is not there.
 * @returns whether the API server had it already, or has it now.
 */
export async function ensureTrust(api: Api, { 'ca.crt': ca }: CertificateData): Promise<'held' | 'written'> {
  const caBundle = Buffer.from(ca).toString('base64');
  const found = await api.get<V1MutatingWebhookConfiguration>(CONFIGURATION_PATH);
  const entry = found.webhooks?.find((each) => each.name === WEBHOOK_ENTRY);
  if (entry?.clientConfig.caBundle === caBundle) return 'held';
  await api.apply(CONFIGURATION_PATH, {
    apiVersion: GROUP,
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: WEBHOOK_CONFIGURATION },
    webhooks: [{ name: WEBHOOK_ENTRY, clientConfig: { caBundle } }],
  });
  return 'written';
}

const decode = (data: Record<string, string> = {}): Partial<CertificateData> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );

const encode = (data: CertificateData): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
