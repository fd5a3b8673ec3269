/** How an object that `enable` makes is told from one of the user's. Pure. */
import type { KubernetesObject, V1ObjectMeta } from '@kubernetes/client-node';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const INSTANCE = 'app.kubernetes.io/instance';

export const ownedMetadata = (name: string, namespace: string, instance: string): V1ObjectMeta => ({
  name,
  namespace,
  labels: { [MANAGED_BY]: 'kubectl-mcp', [INSTANCE]: instance },
});

export const isOwned = (object: KubernetesObject, instance: string): boolean =>
  object.metadata?.labels?.[MANAGED_BY] === 'kubectl-mcp' && object.metadata.labels[INSTANCE] === instance;
