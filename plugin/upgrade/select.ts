/** What a restart would renew, and what it cannot. Pure. */
import { podsOf } from '../doctor/served.ts';
import { heldUp } from '../enable/faults.ts';
import { objectName, type Workload } from '../enable/workload.ts';
import type { OutdatedPod } from './outdated.ts';

export interface Target {
  readonly workload: Workload;
  /** Why its pods are outdated, a line each; none where it was named without being so. */
  readonly details: readonly string[];
}

export interface Selection {
  readonly targets: readonly Target[];
  /** What is left as it is, why, and what to do about it. */
  readonly skipped: readonly string[];
}

/**
 * @param named restarted, outdated or not; without it, all that are outdated.
 * @param all whether these are all workloads of the pods: then a pod of none of them is told.
 */
export function selectTargets(
  workloads: readonly Workload[],
  outdated: readonly OutdatedPod[],
  { named, all }: { named: boolean; all: boolean },
): Selection {
  const chosen = workloads
    .map((workload) => ({ workload, pods: ownOf(workload, outdated) }))
    .filter(({ pods }) => named || pods.length > 0)
    .toSorted((a, b) => compare(placeOf(a.workload), placeOf(b.workload)));
  const held = chosen.flatMap(({ workload, pods }) => heldText(workload, pods) ?? []);
  const isLoose = (each: OutdatedPod): boolean => !workloads.some((one) => ownOf(one, [each]).length > 0);
  return {
    targets: chosen
      .filter(({ workload }) => heldUp(workload).length === 0)
      .map(({ workload, pods }) => ({ workload, details: detailsOf(pods) })),
    skipped: [...held, ...(all ? outdated.filter(isLoose).map(looseText) : [])],
  };
}

const ownOf = (workload: Workload, outdated: readonly OutdatedPod[]): OutdatedPod[] =>
  outdated.filter(({ pod }) => podsOf(workload, [pod]).length > 0);

const placeOf = ({ metadata, kind }: Workload): string => `${metadata.namespace}/${metadata.name}/${kind}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `2 pods: image a:1, now a:2`. */
const detailsOf = (pods: readonly OutdatedPod[]): string[] =>
  Object.entries(Object.groupBy(pods, ({ reasons }) => reasons.join('; '))).map(
    ([reasons, group = []]) => `${group.length} ${group.length === 1 ? 'pod' : 'pods'}: ${reasons}`,
  );

/** A new template would not reach its pods: the user has said to replace them himself. */
function heldText(workload: Workload, pods: readonly OutdatedPod[]): string | undefined {
  const [fault] = heldUp(workload);
  if (fault === undefined) return undefined;
  const { namespace } = workload.metadata;
  const names = pods.map(({ pod }) => pod.metadata?.name).join(' ');
  return workload.spec.updateStrategy?.type === 'OnDelete'
    ? `${objectName(workload)} in namespace ${namespace} has updateStrategy OnDelete: its pods are renewed when they are deleted${names && `: kubectl delete pod ${names} -n ${namespace}`}`
    : `${fault.replace('\n', ` (namespace ${namespace})\n`)}`;
}

function looseText({ pod }: OutdatedPod): string {
  const { name, namespace, ownerReferences } = pod.metadata ?? {};
  const owner = ownerReferences?.find((each) => each.controller);
  const title = `pod/${name} in namespace ${namespace}`;
  if (!owner) return `${title} is of no workload: delete it and create it anew`;
  const of = `${title} is of ${owner.kind.toLowerCase()}/${owner.name}`;
  return owner.kind === 'Job'
    ? `${of}, which is not restarted: pods that it makes from now on have the new proxy`
    : `${of}, which has no rollout that could be restarted: delete the pod when it suits`;
}

/** As `kubectl mcp restart` takes it. */
export const restartArgument = ({ kind, metadata }: Workload): string =>
  `${kind.toLowerCase()}/${metadata.name}`;
