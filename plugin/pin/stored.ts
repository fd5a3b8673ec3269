import type { V1ConfigMap } from '@kubernetes/client-node';
import { plain } from '../enable/read.ts';
import type { Cluster } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';

/** Undefined: there is none. */
export async function readPinsMap(cluster: Cluster, name: string): Promise<V1ConfigMap | undefined> {
  try {
    const found = await cluster.core.readNamespacedConfigMap({ namespace: cluster.namespace, name });
    return { ...plain(found), apiVersion: 'v1', kind: 'ConfigMap' };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
