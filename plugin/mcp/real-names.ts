/** What a server itself calls the tools that a policy renames for callers. */
import type { Cluster } from '../kube/client.ts';
import { readHealth } from '../kube/health.ts';
import type { Target } from '../kube/target.ts';

/** By what callers know them as. Empty where nothing is renamed, and where the proxy does not say. */
export async function realNames(
  cluster: Cluster,
  { namespace, pod, adminPort, server }: Target,
  timeoutMs: number,
): Promise<ReadonlyMap<string, string>> {
  if (!server.policy) return new Map();
  const health = await readHealth(cluster, { namespace, pod, adminPort }, timeoutMs);
  const tools = health?.servers.find(({ name }) => name === server.name)?.tools ?? [];
  return renamedIn(tools as unknown as readonly { name: string; shown?: string }[]);
}

export const renamedIn = (
  tools: readonly { readonly name: string; readonly shown?: string }[],
): ReadonlyMap<string, string> =>
  new Map(tools.flatMap(({ name, shown }) => (shown === undefined ? [] : [[shown, name]])));
