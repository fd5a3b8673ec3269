/** What a namespace holds its pods to. What the user may not read is left out. */
import type { NamespaceRules } from '../../webhook/foresee/foreseen.ts';
import { plain } from '../enable/read.ts';
import type { Cluster } from './client.ts';
import { isForbidden } from './errors.ts';

export async function readNamespaceRules({ core }: Cluster, namespace: string): Promise<NamespaceRules> {
  const [own, ranges, quotas] = await Promise.all([
    unlessForbidden(core.readNamespace({ name: namespace })),
    unlessForbidden(core.listNamespacedLimitRange({ namespace })),
    unlessForbidden(core.listNamespacedResourceQuota({ namespace })),
  ]);
  return {
    name: namespace,
    ...(own && { labels: own.metadata?.labels ?? {} }),
    ...(ranges && { limitRanges: plain(ranges.items) }),
    ...(quotas && { quotas: plain(quotas.items) }),
  };
}

const unlessForbidden = <T>(read: Promise<T>): Promise<T | undefined> =>
  read.catch((error: unknown) => {
    if (isForbidden(error)) return undefined;
    throw error;
  });
