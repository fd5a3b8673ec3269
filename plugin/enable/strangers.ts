/** Pods of other workloads behind the same Service: one targetPort holds for all of them. Pure. */
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import type { Change } from './change.ts';
import { isLive, objectName, selectorMatches, serviceSelects, type Workload } from './workload.ts';

export interface Strangers {
  /** kubectl's name of the Service. */
  readonly service: string;
  /** Names of pods, a few of them. */
  readonly pods: string;
}

const SHOWN = 3;

/** For each changed Service, the pods of others that would be `harmed`; Services without such pods are left out. */
export function strangersBehind(
  changes: readonly Change[],
  workload: Workload,
  pods: readonly V1Pod[],
  harmed: (pod: V1Pod) => boolean,
): Strangers[] {
  return changes.flatMap(({ before }) => {
    const service = before as V1Service;
    const found = pods.filter(
      (pod) =>
        isLive(pod) &&
        serviceSelects(service.spec?.selector, pod.metadata?.labels) &&
        !selectorMatches(workload.spec.selector, pod.metadata?.labels) &&
        harmed(pod),
    );
    if (found.length === 0) return [];
    const names = found.slice(0, SHOWN).map((each) => each.metadata?.name ?? '?');
    const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : '';
    return [{ service: objectName(service), pods: names.join(', ') + more }];
  });
}
