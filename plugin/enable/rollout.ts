/** How far a rollout is, in the words of `kubectl rollout status`. Pure. */
import type { V1Pod, V1ReplicaSet } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { hasSidecar, isLive, objectName, selectorMatches, type Workload } from './workload.ts';

export interface RolloutState {
  readonly done: boolean;
  /** What is waited for. */
  readonly message: string;
  /** It will not get further by waiting. */
  readonly failure?: string;
}

const REVISION = 'deployment.kubernetes.io/revision';

interface Status {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
  readonly currentRevision?: string;
  readonly updateRevision?: string;
  readonly desiredNumberScheduled?: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
  readonly conditions?: readonly { type: string; reason?: string }[];
}

export function rolloutState(workload: Workload): RolloutState {
  const name = objectName(workload);
  const status = (workload.status ?? {}) as Status;
  if ((status.observedGeneration ?? 0) < (workload.metadata.generation ?? 0)) {
    return waiting(`Waiting for ${name} spec update to be observed...`);
  }
  const failure = failureOf(status);
  const [wanted, updated, available, all] = counts(workload, status);
  const prefix = `Waiting for ${name} rollout to finish: `;
  const waitFor = (text: string) => ({ ...waiting(prefix + text), ...(failure && { failure }) });
  if (updated < wanted) return waitFor(`${updated} out of ${wanted} new pods have been updated...`);
  if (all > updated) return waitFor(`${all - updated} old pods are pending termination...`);
  if (available < wanted) return waitFor(`${available} of ${wanted} updated pods are available...`);
  return { done: true, message: `${name} successfully rolled out` };
}

/** Pods that are not yet as the template says; undefined when all are. Terminating pods do not count. */
export function lagging(workload: Workload, pods: readonly V1Pod[], injected: boolean): string | undefined {
  const wrong = pods.filter(
    (pod) =>
      isLive(pod) &&
      selectorMatches(workload.spec.selector, pod.metadata?.labels) &&
      hasSidecar(pod) !== injected,
  );
  if (wrong.length === 0) return undefined;
  const names = wrong.map((pod) => pod.metadata?.name).join(', ');
  return `pods ${injected ? 'without' : 'still with'} container ${SIDECAR_CONTAINER}: ${names}`;
}

/** Wanted, updated, available and all pods. */
function counts({ kind, spec }: Workload, status: Status): [number, number, number, number] {
  if (kind === 'DaemonSet') {
    const wanted = status.desiredNumberScheduled ?? 0;
    return [wanted, status.updatedNumberScheduled ?? 0, status.numberAvailable ?? 0, 0];
  }
  const wanted = spec.replicas ?? 1;
  // updatedReplicas of a StatefulSet falls to zero when the new revision has become the current one.
  const settled = kind === 'StatefulSet' && status.currentRevision === status.updateRevision;
  const updated = settled ? (status.replicas ?? 0) : (status.updatedReplicas ?? 0);
  return [wanted, updated, status.availableReplicas ?? 0, status.replicas ?? 0];
}

function failureOf({ conditions = [] }: Status): string | undefined {
  const progressing = conditions.find((each) => each.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return 'it exceeded its progress deadline';
  return undefined;
}

/**
 * What keeps the Deployment's newest ReplicaSet from creating pods, in the API server's words. The Deployment's own
 * condition may be that of an older one.
 */
export function refusalOf(workload: Workload, sets: readonly V1ReplicaSet[]): string | undefined {
  // Until then the revision is that of the template before, whose pods may have been refused for what is mended now.
  const { observedGeneration = 0 } = (workload.status ?? {}) as Status;
  if (observedGeneration < (workload.metadata.generation ?? 0)) return undefined;
  const revision = workload.metadata.annotations?.[REVISION];
  const newest = sets.find(
    ({ metadata }) =>
      metadata?.annotations?.[REVISION] === revision &&
      metadata?.ownerReferences?.some((each) => each.uid === workload.metadata.uid),
  );
  return newest?.status?.conditions?.find(
    (each) => each.type === 'ReplicaFailure' && each.status === 'True' && each.reason === 'FailedCreate',
  )?.message;
}

const waiting = (message: string): RolloutState => ({ done: false, message });
