/** A row as the API would hold it. */
import type { V1LimitRange, V1Pod, V1ResourceQuota } from '@kubernetes/client-node';
import type { NamespaceRules } from '../../../webhook/foresee/foreseen.ts';
import type { InjectSettings } from '../../../webhook/settings.ts';
import type { LimitRangeItem, Row } from './row.ts';

export const SETTINGS: InjectSettings = {
  image: 'proxy:1',
  imagePullPolicy: 'IfNotPresent',
  namespace: 'web',
  drainRandom: 'x'.repeat(16),
};

export const podOf = ({ pod }: Row): V1Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'pod-', annotations: { 'kubectl-mcp.dev/inject': 'true' } },
  spec: pod,
});

/** With nothing used. */
export const rulesOf = ({ labels, limits = [], quotas = [] }: Row): NamespaceRules => ({
  name: 'web',
  ...(labels && { labels }),
  limitRanges: limits.map((item, index) => limitRange(`limits-${index}`, item)),
  quotas: quotas.map((spec, index): V1ResourceQuota => {
    const used = Object.fromEntries(Object.keys(spec.hard ?? {}).map((each) => [each, '0']));
    return { metadata: { name: `quota-${index}` }, spec, status: { hard: spec.hard!, used } };
  }),
});

/** The API server fills in defaults of containers when it stores a LimitRange. */
const limitRange = (name: string, item: LimitRangeItem): V1LimitRange => {
  if (item.type !== 'Container') return { metadata: { name }, spec: { limits: [item] } };
  const limit = { ...item.max, ...item.default };
  const request = { ...item.min, ...limit, ...item.defaultRequest };
  const stored = { ...item, default: limit, defaultRequest: request };
  return { metadata: { name }, spec: { limits: [stored as never] } };
};
