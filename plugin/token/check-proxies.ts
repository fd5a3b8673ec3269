/** Whether the proxies that run can read what would be written. */
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden } from '../kube/errors.ts';
import type { TokenSecret } from './find-secret.ts';
import { proxyStates } from './pods.ts';

/**
 * A proxy from before digests takes a line of this kind for a fault, and one fault shuts everyone out.
 * @param warn where the user may not ask them
 * @throws {CliError} that names such pods
 */
export async function checkProxies(
  cluster: Cluster,
  { title, namespace, name }: TokenSecret,
  warn: (text: string) => void,
): Promise<void> {
  const states = await proxyStates(cluster, name).catch((error: unknown) => {
    if (!isForbidden(error)) throw error;
    warn('Warning: you may not ask the pods which version their proxies are of');
    return [];
  });
  const older = states.filter(({ silent }) => silent === 'older');
  if (older.length === 0) return;
  throw new CliError(
    [
      `proxies of ${title} are of a version that cannot read tokens with an end; they would let nobody in`,
      ...older.map(({ pod, version }) => `  pod/${pod}: ${version}`),
      `Renew them first: kubectl mcp restart ${title} -n ${namespace}`,
    ].join('\n'),
  );
}
