/** CPU and memory of the sidecar, and the heap that fits them. */
import type { V1PodSpec, V1ResourceRequirements } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from './names.ts';
import { amountOf } from './quantity.ts';

const MEMORY = '128Mi';
const CPU_REQUEST = '10m';
const CPU_LIMIT = '1';
/** In a Guaranteed pod the request is the limit: enough for some hundred calls a second. */
const CPU_GUARANTEED = '250m';
const MIN_HEAP_MIB = 32;

/**
 * Requests equal limits in a Guaranteed pod, or it would be one no more; memory always, so that a busy node never
 * takes it back.
 * @param given what the pod says of its own `mcp-proxy` container; wins.
 */
export function resourcesOf(spec: V1PodSpec, given: V1ResourceRequirements = {}): V1ResourceRequirements {
  if (spec.resources) return withinPod(spec.resources, given);
  const guaranteed = isGuaranteed(spec);
  const limits = { cpu: guaranteed ? CPU_GUARANTEED : CPU_LIMIT, memory: MEMORY, ...given.limits };
  const requests = {
    ...(guaranteed ? limits : { cpu: CPU_REQUEST, memory: limits.memory }),
    ...given.requests,
  };
  return { limits, requests };
}

/**
 * With resources of the pod's own (Kubernetes 1.34) these are what is scheduled and what the QoS class comes from: no
 * container's limit may be above them, nor the sum of the requests.
 */
function withinPod(pod: V1ResourceRequirements, given: V1ResourceRequirements): V1ResourceRequirements {
  const least = (kind: string, own: string): string => {
    const limit = pod.limits?.[kind];
    return limit !== undefined && (amountOf(limit) ?? 0) < (amountOf(own) ?? 0) ? limit : own;
  };
  return {
    limits: { cpu: least('cpu', CPU_LIMIT), memory: least('memory', MEMORY), ...given.limits },
    // Written down: what is absent becomes the limit.
    requests: { cpu: '0', memory: '0', ...given.requests },
  };
}

/** Half of the memory limit: the rest is for Node itself, code and buffers, which live outside of the old space. */
export function heapMiB(resources: V1ResourceRequirements): number {
  const bytes = amountOf(resources.limits?.['memory']) ?? amountOf(MEMORY) ?? 0;
  return Math.max(MIN_HEAP_MIB, Math.floor(bytes / 2 ** 21));
}

/** Kubernetes' own rule (pod QoS): CPU and memory limits on every container, and requests equal to them or absent. */
function isGuaranteed(spec: V1PodSpec): boolean {
  const others = [...spec.containers, ...(spec.initContainers ?? [])].filter(
    (each) => each.name !== SIDECAR_CONTAINER,
  );
  return others.every(({ resources }) =>
    ['cpu', 'memory'].every((kind) => {
      const limit = amountOf(resources?.limits?.[kind]);
      const request = resources?.requests?.[kind];
      return limit !== undefined && limit > 0 && (request === undefined || amountOf(request) === limit);
    }),
  );
}
