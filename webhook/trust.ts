/** The CAs by which the API server believes the webhook: the caBundle of its configuration. */
import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import type { Api } from './api.ts';
import { certificatesIn } from './bundle.ts';
import { WEBHOOK_CONFIGURATION, WEBHOOK_ENTRY } from './names.ts';

const GROUP = 'admissionregistration.k8s.io/v1';
const CONFIGURATION_PATH = `/apis/${GROUP}/mutatingwebhookconfigurations/${WEBHOOK_CONFIGURATION}`;

/** PEM; empty where nobody has written it. */
export async function readTrust(api: Api): Promise<string> {
  const found = await api.get<V1MutatingWebhookConfiguration>(CONFIGURATION_PATH);
  const entry = found.webhooks?.find((each) => each.name === WEBHOOK_ENTRY);
  return Buffer.from(entry?.clientConfig.caBundle ?? '', 'base64').toString('utf8');
}

/** Nothing else of the configuration is in the request, and nothing else would be let through. */
export async function writeTrust(api: Api, bundle: string): Promise<void> {
  await api.apply(CONFIGURATION_PATH, {
    apiVersion: GROUP,
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: WEBHOOK_CONFIGURATION },
    webhooks: [{ name: WEBHOOK_ENTRY, clientConfig: { caBundle: Buffer.from(bundle).toString('base64') } }],
  });
}

/** For the log: serial numbers, as `openssl x509 -serial` shows them. */
export function describeBundle(bundle: string): string {
  const serials = certificatesIn(bundle).map((each) => each.serialNumber);
  return serials.join(', ') || (bundle === '' ? 'nothing' : 'what is no certificate');
}
