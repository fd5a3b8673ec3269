/** A StatefulSet waits for a broken pod before it replaces it, also when the template was set back (kubernetes#67250). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { readPods, readWorkload } from './read.ts';
import { isOfTemplate } from './trouble.ts';
import { isLive, isReady, type Workload } from './workload.ts';

/** Pods of a template that was taken back which nobody would replace. */
export const stuckPods = (failed: Workload, pods: readonly V1Pod[]): V1Pod[] =>
  failed.kind === 'StatefulSet'
    ? pods.filter((pod) => isLive(pod) && !isReady(pod) && isOfTemplate(pod, failed))
    : [];

const PERIOD_MS = 250;
const MOST_LOOKS = 40;

/** Deletes them, so that the controller makes them anew from the template that it has again; tells each. */
export async function freePods(
  cluster: Cluster,
  failed: Workload,
  tell: (pod: V1Pod, error?: unknown) => void,
): Promise<void> {
  if (failed.kind !== 'StatefulSet') return;
  await untilObserved(cluster, failed);
  for (const pod of stuckPods(failed, await readPods(cluster))) {
    const { name, uid } = pod.metadata!;
    const body = { preconditions: { uid: uid! } };
    await cluster.core.deleteNamespacedPod({ name: name!, namespace: cluster.namespace, body }).then(
      () => tell(pod),
      (error: unknown) => (isNotFound(error) ? undefined : tell(pod, error)),
    );
  }
}

/** Before that it would make a pod of the failed template again. */
async function untilObserved(cluster: Cluster, { kind, metadata }: Workload): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { metadata: now, status } = await readWorkload(cluster, { kind, name: metadata.name });
    if (Number(status?.['observedGeneration'] ?? 0) >= (now.generation ?? 0)) return;
    await sleep(PERIOD_MS);
  }
}
