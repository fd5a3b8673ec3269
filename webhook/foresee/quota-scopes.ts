/** Which pods a ResourceQuota counts. */
import type { V1Pod, V1PodAffinityTerm, V1PodSpec, V1ResourceQuota } from '@kubernetes/client-node';
import { amountsOf } from './amounts.ts';
import { containersOf } from './demand.ts';

interface Selector {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** @param pod after injection: with a sidecar that asks for something no pod is BestEffort. */
export const inScope = ({ spec }: V1Pod, { spec: quota }: V1ResourceQuota): boolean =>
  selectorsOf(quota).every((selector) => spec !== undefined && matches(spec, selector));

const selectorsOf = (quota: V1ResourceQuota['spec']): Selector[] => [
  ...(quota?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...(quota?.scopeSelector?.matchExpressions ?? []),
];

function matches(spec: V1PodSpec, { scopeName, operator, values = [] }: Selector): boolean {
  switch (scopeName) {
    case 'Terminating':
      return spec.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return spec.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(spec);
    case 'NotBestEffort':
      return !isBestEffort(spec);
    case 'CrossNamespacePodAffinity':
      return affinityTerms(spec).some(
        (term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined,
      );
    case 'PriorityClass':
      return matchesClass(spec.priorityClassName ?? '', operator, values);
    default:
      return false;
  }
}

/** A pod without a class may get the cluster's default one, which is not known here. */
function matchesClass(name: string, operator: string, values: readonly string[]): boolean {
  if (operator === 'In') return values.includes(name);
  if (operator === 'NotIn') return !values.includes(name);
  return (operator === 'Exists') === (name !== '');
}

const isBestEffort = (spec: V1PodSpec): boolean =>
  (spec.resources ? [spec.resources] : containersOf(spec).map((each) => each.resources ?? {})).every(
    ({ requests, limits }) =>
      [requests, limits].map((each) => amountsOf(each)).every((each) => !each['cpu'] && !each['memory']),
  );

function affinityTerms({ affinity }: V1PodSpec): V1PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm),
  ]);
}
