/** Resources of the proxy with which a pod would be admitted. */
import type { V1Pod, V1ResourceRequirements } from '@kubernetes/client-node';
import { BIN_CONTAINER, SIDECAR_CONTAINER } from '../names.ts';
import { exactly } from './amounts.ts';
import { containersOf } from './demand.ts';
import type { NamespaceRules } from './foreseen.ts';
import { limitRangeExcesses } from './limit-ranges.ts';
import { quotaExcesses } from './resource-quotas.ts';

/** The default first; the proxy does not run well with less than the least. */
const MEMORY = ['128Mi', '96Mi', '256Mi', '512Mi', '1Gi'];
const CPU_LIMITS = ['1', '500m', '250m', '200m', '100m', '2'];
const CPU_REQUESTS = ['10m', '20m', '25m', '50m', '100m', '200m', '250m', '500m', '1', '5m', '1m'];

/** Containers times objects: each try takes its time by them, and the webhook has pods to look at meanwhile. */
const MAX_WORK = 200;

export interface Resources {
  readonly cpu: { readonly request: string; readonly limit: string };
  /** Request and limit. */
  readonly memory: string;
}

/**
 * @param pod after injection, with all defaults. One that is Guaranteed stays so.
 * @returns undefined where it is not the proxy's size that keeps the pod away, nothing fits, or it would take long.
 */
export function fittingResources(pod: V1Pod, rules: NamespaceRules, pods: number): Resources | undefined {
  const objects = (rules.limitRanges?.length ?? 0) + (rules.quotas?.length ?? 0);
  if (pod.spec && containersOf(pod.spec).length * objects > MAX_WORK) return undefined;
  const sidecar = pod.spec && containersOf(pod.spec).find((each) => each.name === SIDECAR_CONTAINER);
  if (!pod.spec || pod.spec.resources || !sidecar) return undefined;
  const equal = sidecar.resources?.requests?.['cpu'] === sidecar.resources?.limits?.['cpu'];
  return candidates(equal).find((each) => {
    const tried = withResources(pod, each);
    return [
      ...limitRangeExcesses(tried, rules.limitRanges ?? []),
      ...quotaExcesses(tried, rules.quotas ?? [], pods),
    ].every(
      ({ container }) => container !== undefined && ![SIDECAR_CONTAINER, BIN_CONTAINER].includes(container),
    );
  });
}

export const resourcesText = ({ cpu, memory }: Resources): string =>
  `requests: {cpu: ${cpu.request}, memory: ${memory}}, limits: {cpu: ${cpu.limit}, memory: ${memory}}`;

const candidates = (equal: boolean): Resources[] =>
  MEMORY.flatMap((memory) =>
    CPU_LIMITS.flatMap((limit) =>
      CPU_REQUESTS.filter((request) => (equal ? request === limit : exactly(request) <= exactly(limit))).map(
        (request) => ({ cpu: { request, limit }, memory }),
      ),
    ),
  );

function withResources(pod: V1Pod, { cpu, memory }: Resources): V1Pod {
  const laidOver = (old: V1ResourceRequirements = {}): V1ResourceRequirements => ({
    requests: { ...old.requests, cpu: cpu.request, memory },
    limits: { ...old.limits, cpu: cpu.limit, memory },
  });
  const initContainers = (pod.spec?.initContainers ?? []).map((each) =>
    [SIDECAR_CONTAINER, BIN_CONTAINER].includes(each.name)
      ? { ...each, resources: laidOver(each.resources) }
      : each,
  );
  return { ...pod, spec: { ...pod.spec!, initContainers } };
}
