/** What LimitRanges say to a pod (admission plugin LimitRanger, Kubernetes 1.34). */
import type { V1Container, V1LimitRange, V1LimitRangeItem, V1Pod } from '@kubernetes/client-node';
import { SIDECAR_CONTAINER } from '../names.ts';
import { amountsOf, ceiling, written } from './amounts.ts';
import type { Amount, Amounts } from './amounts.ts';
import { containersOf, demandOf, podDemand } from './demand.ts';
import type { Side } from './demand.ts';

/** One amount that is too much, too little or missing. */
export interface Excess {
  readonly object: string;
  /** Whose it is; absent: the pod's in all. */
  readonly container?: string;
  readonly message: string;
}

type Sides = Readonly<Record<Side, Amounts>>;
interface Subject extends Sides {
  readonly container?: string;
  /** Of a sum, how much is the proxy's. */
  readonly ours?: Sides;
}

/** @param pod as it is after injection, with all defaults. */
export const limitRangeExcesses = (pod: V1Pod, limitRanges: readonly V1LimitRange[]): Excess[] =>
  limitRanges.flatMap(({ metadata, spec }) => {
    const object = `limitrange/${metadata?.name ?? ''}`;
    return (spec?.limits ?? []).flatMap((item) =>
      subjectsOf(pod, item.type).flatMap((subject) =>
        faultsOf(subject, item, object).map((message) => ({
          object,
          ...(subject.container !== undefined && { container: subject.container }),
          message,
        })),
      ),
    );
  });

function subjectsOf(pod: V1Pod, type: string): Subject[] {
  const containers = pod.spec ? containersOf(pod.spec) : [];
  if (type === 'Container') {
    return containers.map((each) => ({ container: each.name, ...sidesOf(each) }));
  }
  const sidecar = containers.find((each) => each.name === SIDECAR_CONTAINER);
  const sums = { requests: podDemand(pod, 'requests'), limits: podDemand(pod, 'limits') };
  return type === 'Pod' ? [{ ...sums, ...(sidecar && { ours: sidesOf(sidecar) }) }] : [];
}

const sidesOf = (container: V1Container): Sides => ({
  requests: demandOf(container, 'requests'),
  limits: demandOf(container, 'limits'),
});

/** Both must be there where a maximum or a ratio is set, the request where a minimum is. */
function faultsOf(subject: Subject, item: V1LimitRangeItem, object: string): string[] {
  const what = subject.container === undefined ? 'the pod' : `container ${subject.container}`;
  const each = subject.container === undefined ? 'a pod' : 'a container';
  const rule = (kind: string, resource: string, amount: Amount) =>
    `${object} sets a ${kind} of ${written(amount, resource)} for ${each}`;
  const has = (side: Side, resource: string): string => {
    const amount = subject[side][resource];
    if (amount === undefined) return `${what} has no ${resource} ${SINGULAR[side]}`;
    const ours = subject.ours?.[side][resource];
    const part = ours ? ` with the proxy's ${written(ours, resource)}` : '';
    return `${what} has a ${resource} ${SINGULAR[side]} of ${written(amount, resource)}${part}`;
  };
  const bound = (
    kind: 'minimum' | 'maximum',
    [resource, amount]: [string, Amount],
    needed: Side,
    wrong: (own: Amount) => boolean,
  ) => {
    const side = ([needed, 'requests', 'limits'] as const).find((one) => {
      const own = subject[one][resource];
      return own === undefined ? one === needed : wrong(own);
    });
    return side ? [`${has(side, resource)}; ${rule(kind, resource, amount)}`] : [];
  };
  return [
    ...Object.entries(amountsOf(item.min)).flatMap((one) =>
      bound('minimum', one, 'requests', (own) => milli(own) < milli(one[1])),
    ),
    ...Object.entries(amountsOf(item.max)).flatMap((one) =>
      bound('maximum', one, 'limits', (own) => milli(own) > milli(one[1])),
    ),
    ...Object.entries(amountsOf(item.maxLimitRequestRatio)).flatMap(([resource, ratio]) => {
      const [request = 0n, limit = 0n] = [subject.requests[resource], subject.limits[resource]];
      const fits = request > 0n && limit > 0n && limit * 10n ** 9n <= ratio * request;
      return fits
        ? []
        : [
            `${has('requests', resource)}, and ${limit > 0n ? `a limit of ${written(limit, resource)}` : 'no limit'}; ${rule('ratio of limit to request', 'ratio', ratio)}`,
          ];
    }),
  ];
}

const SINGULAR = { requests: 'request', limits: 'limit' } as const satisfies Record<Side, string>;

/** The plugin compares thousandths, rounded up. */
const milli = (amount: Amount): bigint => ceiling(amount, 10n ** 6n);
