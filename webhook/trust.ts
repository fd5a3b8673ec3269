/** The CAs by which the API server believes the webhook: the caBundle of each entry of its configurations. */
import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import { certificatesIn } from './bundle.ts';
import { installNames, POLICIES_ENTRY, WEBHOOK_ENTRY, WORKLOADS_ENTRY } from './names.ts';

const GROUP = 'admissionregistration.k8s.io/v1';
const IS_MISSING = 404;

type Configuration = { kind: string; entries: string[] };
/** Pods wait for it. */
export const GATE: Configuration = { kind: 'MutatingWebhookConfiguration', entries: [WEBHOOK_ENTRY] };
/** Nobody waits for it. */
export const EARLY_WORD: Configuration = {
  kind: 'ValidatingWebhookConfiguration',
  entries: [WORKLOADS_ENTRY, POLICIES_ENTRY],
};

/** PEM by the name of the entry, of those that are there; empty where nobody has written it. */
export type Bundles = Record<string, string>;

export async function readTrust(
  api: Api,
  { kind, entries }: Configuration,
  names = installNames(),
): Promise<Bundles> {
  const path = pathOf(kind, names.configuration);
  const { webhooks = [] } = await api.get<V1MutatingWebhookConfiguration>(path);
  return Object.fromEntries(
    webhooks
      .filter(({ name }) => entries.includes(name))
      .map(({ name, clientConfig }) => [
        name,
        Buffer.from(clientConfig.caBundle ?? '', 'base64').toString('utf8'),
      ]),
  );
}

/** Nothing else of the configuration is in the request, and nothing else would be let through. */
export async function writeTrust(
  api: Api,
  { kind }: Configuration,
  bundles: Bundles,
  names = installNames(),
): Promise<void> {
  await api.apply(pathOf(kind, names.configuration), {
    apiVersion: GROUP,
    kind,
    metadata: { name: names.configuration },
    // All of them: an entry that is left out would lose what was written to it before.
    webhooks: Object.entries(bundles).map(([name, bundle]) => ({
      name,
      clientConfig: { caBundle: Buffer.from(bundle).toString('base64') },
    })),
  });
}

export const isMissing = (error: unknown): boolean =>
  error instanceof ApiError && error.status === IS_MISSING;

/** For the log: serial numbers, as `openssl x509 -serial` shows them. */
export function describeBundle(bundle: string): string {
  const serials = certificatesIn(bundle).map((each) => each.serialNumber);
  return serials.join(', ') || (bundle === '' ? 'nothing' : 'what is no certificate');
}

const pathOf = (kind: string, name: string): string => `/apis/${GROUP}/${kind.toLowerCase()}s/${name}`;
