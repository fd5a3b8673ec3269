/** The objects of an installation, applied in their order. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { DryRun } from '../flags.ts';
import { applyObject, type Applied, readObject } from '../kube/apply.ts';
import type { Cluster } from '../kube/client.ts';

/** Not the webhook's own manager: an apply takes back what its manager had written and now leaves out. */
export const INSTALL_MANAGER = 'kubectl-mcp-install';

export async function* applyAll(
  cluster: Cluster,
  objects: readonly KubernetesObject[],
  dryRun: DryRun,
): AsyncGenerator<Applied> {
  const namespace = objects.find((each) => each.kind === 'Namespace');
  // A server-side dry run makes no namespace, and the API server then refuses all that would be in it.
  const isFresh = dryRun === 'server' && namespace && !(await readObject(cluster, namespace));
  for (const object of objects) {
    if (isFresh && object.metadata?.namespace) yield { object, verb: 'created' };
    else yield await applyObject(cluster, object, { dryRun, force: true, fieldManager: INSTALL_MANAGER });
  }
}
