/** What a pod asks for in all, by the rule of scheduler and quota (KEP-753: sidecars count beside the containers). */
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { amountsOf, most, plus } from './amounts.ts';
import type { Amounts } from './amounts.ts';

export type Side = 'requests' | 'limits';

export const demandOf = (container: V1Container, side: Side): Amounts =>
  amountsOf(container.resources?.[side]);

export const containersOf = ({ initContainers = [], containers }: V1PodSpec): V1Container[] => [
  ...initContainers,
  ...containers,
];

/**
 * The containers together, or what the pod says for itself (Kubernetes 1.34: of cpu, memory and huge pages).
 * @param overhead the runtime class's: quotas count it, LimitRanges do not.
 */
export function podDemand({ spec }: V1Pod, side: Side, overhead = false): Amounts {
  if (!spec) return {};
  const own = Object.entries(amountsOf(spec.resources?.[side])).filter(([name]) => isPodLevel(name));
  const sum = { ...aggregate(spec, side), ...Object.fromEntries(own) };
  const extra = Object.entries(overhead ? amountsOf(spec.overhead) : {});
  // To a limit it is added where there is one.
  return plus(sum, Object.fromEntries(extra.filter(([name]) => side === 'requests' || sum[name])));
}

export const isPodLevel = (resource: string): boolean => /^(cpu|memory|hugepages-.*)$/.test(resource);

/** An ordinary init container runs beside the sidecars that stand before it, and beside nothing else. */
export function aggregate({ initContainers = [], containers }: V1PodSpec, side: Side): Amounts {
  let sidecars: Amounts = {};
  let initial: Amounts = {};
  for (const each of initContainers) {
    const own = plus(sidecars, demandOf(each, side));
    if (each.restartPolicy === 'Always') sidecars = own;
    initial = most(initial, own);
  }
  return most(plus(sidecars, ...containers.map((each) => demandOf(each, side))), initial);
}
