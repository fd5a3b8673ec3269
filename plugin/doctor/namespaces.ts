/** What the namespaces of the workloads hold pods to. */
import { plain } from '../enable/read.ts';
import type { Workload } from '../enable/workload.ts';
import type { Cluster } from '../kube/client.ts';
import { tryRead } from './read.ts';
import type { Read, Values } from './snapshot.ts';

interface NamespaceSources {
  readonly namespaceLabels: Read<Values['namespaceLabels']>;
  readonly limits: Read<Values['limits']>;
}

export async function readNamespaces(
  { core }: Cluster,
  workloads: Read<readonly Workload[]>,
  signal: AbortSignal,
): Promise<NamespaceSources> {
  if ('unknown' in workloads) return { namespaceLabels: workloads, limits: workloads };
  const names = [...new Set(workloads.value.map(({ metadata }) => metadata.namespace))];
  const each = async <T>(
    what: string,
    read: (namespace: string) => Promise<T>,
  ): Promise<Read<Record<string, T>>> => {
    const found: Record<string, T> = {};
    for (const name of names) {
      const one = await tryRead(`${what} ${name}`, () => read(name), signal);
      if ('unknown' in one) return one;
      found[name] = one.value;
    }
    return { value: found };
  };
  const [namespaceLabels, limits] = await Promise.all([
    each('get namespace', async (name) => (await core.readNamespace({ name })).metadata?.labels ?? {}),
    each('list limitranges and resourcequotas in namespace', async (namespace) => {
      const [limitRanges, quotas] = await Promise.all([
        core.listNamespacedLimitRange({ namespace }),
        core.listNamespacedResourceQuota({ namespace }),
      ]);
      return { limitRanges: plain(limitRanges.items), quotas: plain(quotas.items) };
    }),
  ]);
  return { namespaceLabels, limits };
}
