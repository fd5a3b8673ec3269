/** What ResourceQuotas say to a pod (admission plugin ResourceQuota and its evaluator of pods, Kubernetes 1.34). */
import type { V1Pod, V1ResourceQuota } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from '../names.ts';
import { amountsOf, exactly, written } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import { containersOf, demandOf, podDemand } from './demand.ts';
import type { Excess } from './limit-ranges.ts';
import { inScope } from './quota-scopes.ts';

export interface QuotaExcess extends Excess {
  /** Not even an empty namespace would have room. */
  readonly lasting: boolean;
}

/** What a quota wants every container to state, where it counts it. */
const STATED = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** Every pod is one of them. */
const ONES = ['pods', 'count/pods'];

/**
 * @param pod as it is after injection, with all defaults.
 * @param pods how many such pods are to come, beside those that are there.
 */
export const quotaExcesses = (pod: V1Pod, quotas: readonly V1ResourceQuota[], pods: number): QuotaExcess[] =>
  quotas
    .filter((quota) => inScope(pod, quota))
    .flatMap((quota) => {
      const unstated = unstatedIn(pod, quota);
      return unstated.length > 0 ? unstated : overdrawn(pod, quota, pods);
    });

/** With resources of the pod's own no container needs any. */
function unstatedIn({ spec }: V1Pod, quota: V1ResourceQuota): QuotaExcess[] {
  if (!spec || spec.resources?.requests || spec.resources?.limits) return [];
  const wanted = Object.keys(quota.status?.hard ?? {}).filter((each) => STATED.includes(each));
  return containersOf(spec).flatMap((container) => {
    const stated = counted(demandOf(container, 'requests'), demandOf(container, 'limits'));
    const missing = wanted.filter((each) => !(each in stated));
    if (missing.length === 0) return [];
    const message = `container ${container.name} states no ${missing.join(', ')}; ${nameOf(quota)} wants it of every container`;
    return [{ object: nameOf(quota), container: container.name, message, lasting: true }];
  });
}

function overdrawn(pod: V1Pod, quota: V1ResourceQuota, pods: number): QuotaExcess[] {
  const object = nameOf(quota);
  const demand = demandOnQuota(pod);
  const ours = demandOnQuota(pod, SIDECAR_CONTAINER);
  return Object.entries(amountsOf(quota.status?.hard)).flatMap(([resource, hard]) => {
    const one = demand[resource] ?? 0n;
    if (one <= 0n) return [];
    const used = quota.status?.used?.[resource];
    if (used === undefined) {
      const message = `${object} has not been counted yet, and takes no pod until it is`;
      return [{ object, message, lasting: false }];
    }
    const left = hard - exactly(used);
    if (one * BigInt(pods) <= left) return [];
    const rest = `${written(left > 0n ? left : 0n, resource)} of ${written(hard, resource)}`;
    const message = ONES.includes(resource)
      ? `${pods > 1 ? `${pods} pods are` : 'a pod is'} to come; ${object} has ${rest} ${resource} left`
      : `${asked()}; ${object} has ${rest} left`;
    return [{ object, message, lasting: one > hard }];

    function asked(): string {
      const part = ours[resource] ? ` with the proxy's ${written(ours[resource], resource)}` : '';
      const many = pods > 1 ? `, ${pods} pods for ${written(one * BigInt(pods), resource)}` : '';
      return `a pod asks for ${written(one, resource)} ${resource}${part}${many}`;
    }
  });
}

/** By the names that quotas have. @param only of this container alone, and nothing for being a pod. */
function demandOnQuota(pod: V1Pod, only?: string): Amounts {
  if (only === undefined) {
    const sums = counted(podDemand(pod, 'requests', true), podDemand(pod, 'limits', true));
    return { ...sums, ...Object.fromEntries(ONES.map((each) => [each, exactly(1)])) };
  }
  const container = pod.spec && containersOf(pod.spec).find(({ name }) => name === only);
  // What the pod states for itself is not more for the proxy.
  if (!container || pod.spec?.resources) return {};
  return counted(demandOf(container, 'requests'), demandOf(container, 'limits'));
}

function counted(requests: Amounts, limits: Amounts): Amounts {
  return {
    ...named(requests, '', (resource) => isComputed(resource) || resource.startsWith('hugepages-')),
    ...named(requests, 'requests.', () => true),
    ...named(limits, 'limits.', isComputed),
  };
}

const named = (amounts: Amounts, prefix: string, of: (resource: string) => boolean): Amounts =>
  Object.fromEntries(
    Object.entries(amounts)
      .filter(([resource]) => of(resource))
      .map(([resource, amount]) => [prefix + resource, amount]),
  );

const isComputed = (resource: string): boolean => ['cpu', 'memory', 'ephemeral-storage'].includes(resource);

const nameOf = ({ metadata }: V1ResourceQuota): string => `resourcequota/${metadata?.name ?? ''}`;
