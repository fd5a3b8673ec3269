/** A pod, and what its namespace says of it. */
import type { V1LimitRangeItem, V1PodSpec, V1ResourceQuotaSpec } from '@kubernetes/client-node';
import { PAUSE_IMAGE } from '../../rig/cluster/layout.ts';
import type { ForeseenReason } from '../../../webhook/foresee/foreseen.ts';

/** As it is written in YAML: `default`, which client-node calls `_default`. */
export type LimitRangeItem = Omit<V1LimitRangeItem, '_default'> & {
  readonly default?: Record<string, string>;
};

export interface Row {
  readonly title: string;
  readonly labels?: Record<string, string>;
  /** One LimitRange each. */
  readonly limits?: readonly LimitRangeItem[];
  readonly quotas?: readonly V1ResourceQuotaSpec[];
  readonly pod: V1PodSpec;
  /** None: admitted. */
  readonly refused?: ForeseenReason;
}

export type Quantities = Record<string, string>;
export const server = (limits: Quantities = {}, requests: Quantities = {}, more: object = {}) => ({
  name: 'server',
  image: PAUSE_IMAGE,
  ports: [{ containerPort: 3001 }],
  resources: { limits, requests },
  ...more,
});
export const pod = (limits?: Quantities, requests?: Quantities, more: object = {}): V1PodSpec => ({
  containers: [server(limits, requests)],
  ...more,
});
export const init = (name: string, limits: Quantities, requests: Quantities = {}, more: object = {}) => ({
  ...server(limits, requests, more),
  name,
  ports: [],
});
export const container = (more: Omit<LimitRangeItem, 'type'>): LimitRangeItem => ({
  type: 'Container',
  ...more,
});
export const inAll = (more: Omit<LimitRangeItem, 'type'>): LimitRangeItem => ({ type: 'Pod', ...more });
