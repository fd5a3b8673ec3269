/** The webhook's certificates in its Secret, on which all replicas agree. */
import type { V1Secret } from '@kubernetes/client-node';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import { currentCertificates, faultsOf } from './certificates.ts';
import type { CertificateData } from './certificates.ts';
import type { Log } from './log.ts';
import { INSTALL_NAMESPACE, installNames } from './names.ts';
import type { InstallNames } from './names.ts';

/** Of the default webhook. */
export const WEBHOOK_HOST = installNames().host;
const pathOf = (name: string): string => `/api/v1/namespaces/${INSTALL_NAMESPACE}/secrets/${name}`;
const ATTEMPTS = 5;
const IS_MISSING = 404;
const IS_CONFLICT = 409;

/**
 * The certificates of the Secret, issued and stored where they are missing or old. Replicas that start at once agree
 * by resourceVersion: the second one reads what the first one wrote.
 * @param serving see `currentCertificates`.
 * @param names of the default, unless given.
 */
export async function loadCertificates(
  api: Api,
  {
    now,
    log,
    serving,
    names = installNames(),
  }: { now: () => Date; log: Log; serving?: string | undefined; names?: InstallNames },
): Promise<CertificateData> {
  const path = pathOf(names.webhook);
  for (let attempt = 1; ; attempt++) {
    try {
      const secret = await api.get<V1Secret>(path);
      const stored = decode(secret.data);
      const current = await currentCertificates(stored, names.host, now(), serving);
      if (current === stored) return current;
      await api.put(path, { ...secret, data: { ...secret.data, ...encode(current) } });
      log('info', 'Secret written', {
        ...faultsOf(stored, names.host, now()),
        previous: current['ca-previous.until'] ?? 'none',
      });
      return current;
    } catch (error) {
      const status = error instanceof ApiError ? error.status : undefined;
      if (attempt === ATTEMPTS || (status !== IS_CONFLICT && status !== IS_MISSING)) throw error;
      if (status === IS_MISSING) await createSecret(api, names.webhook, log);
    }
  }
}

/** Without data: applied by two replicas at once it is one Secret still, and resourceVersion decides on the rest. */
async function createSecret(api: Api, name: string, log: Log): Promise<void> {
  await api.apply(pathOf(name), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: INSTALL_NAMESPACE,
      labels: { 'app.kubernetes.io/name': 'kubectl-mcp' },
    },
    type: 'Opaque',
  });
  log('info', 'Secret created', { detail: 'it was gone' });
}

const decode = (data: Record<string, string> = {}): Partial<CertificateData> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );

/** What is undefined is left out of the JSON, and so removed. */
const encode = (data: CertificateData): Record<string, string | undefined> => ({
  'ca-previous.crt': undefined,
  'ca-previous.until': undefined,
  ...Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, value && Buffer.from(value).toString('base64')]),
  ),
});
