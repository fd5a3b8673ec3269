/** ResourceQuotas. */
import type { V1ResourceQuotaSpec } from '@kubernetes/client-node';
import { container, pod } from './row.ts';
import type { Quantities, Row } from './row.ts';

const quota = (hard: Quantities, more: Omit<V1ResourceQuotaSpec, 'hard'> = {}) => [{ hard, ...more }];
const byClass = (operator: string, values?: string[]) =>
  quota(
    { pods: '0' },
    {
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values && { values }) }],
      },
    },
  );
export const QUOTA_ROWS: readonly Row[] = [
  {
    title: 'the requests just fit into a quota',
    quotas: quota({ 'requests.cpu': '100m' }),
    pod: pod({}, { cpu: '90m' }),
  },
  {
    title: "the proxy's request is too much for a quota",
    quotas: quota({ cpu: '100m' }),
    pod: pod({}, { cpu: '91m' }),
    refused: 'QuotaExceeded',
  },
  {
    title: 'the limits just fit into a quota',
    quotas: quota({ 'limits.memory': '192Mi', 'requests.memory': '160Mi' }),
    pod: pod({ memory: '64Mi' }, { memory: '32Mi' }),
  },
  {
    title: 'the limits are too much for a quota',
    quotas: quota({ 'limits.memory': '191Mi' }),
    pod: pod({ memory: '64Mi' }),
    refused: 'QuotaExceeded',
  },
  {
    title: "the server's container states nothing where a quota counts",
    quotas: quota({ 'requests.cpu': '1' }),
    pod: pod(),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a quota has no pod left',
    quotas: quota({ pods: '0' }),
    pod: pod(),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a quota of objects has no pod left',
    quotas: quota({ 'count/pods': '0' }),
    pod: pod(),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a quota is of other things',
    quotas: quota({ services: '0', 'count/deployments.apps': '0', 'requests.storage': '0' }),
    pod: pod(),
  },
  {
    title: 'with the proxy the pod is not BestEffort any more',
    quotas: quota({ pods: '0' }, { scopes: ['BestEffort'] }),
    pod: pod(),
  },
  {
    title: 'with the proxy the pod is Burstable, and counted there',
    quotas: quota({ pods: '0' }, { scopes: ['NotBestEffort'] }),
    pod: pod(),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a pod that ends is counted where those are',
    quotas: quota({ pods: '0' }, { scopes: ['Terminating'] }),
    pod: pod({}, {}, { activeDeadlineSeconds: 60 }),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a pod that ends is not counted among the others',
    quotas: quota({ pods: '0' }, { scopes: ['NotTerminating'] }),
    pod: pod({}, {}, { activeDeadlineSeconds: 60 }),
  },
  {
    title: 'a quota counts a priority class that the pod has',
    quotas: byClass('In', ['system-cluster-critical']),
    pod: pod({}, {}, { priorityClassName: 'system-cluster-critical' }),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a quota counts a priority class that the pod has not',
    quotas: byClass('In', ['system-cluster-critical']),
    pod: pod(),
  },
  {
    title: 'a quota counts pods without a priority class',
    quotas: byClass('DoesNotExist'),
    pod: pod(),
    refused: 'QuotaExceeded',
  },
  {
    title: 'a quota counts what devices are asked for',
    quotas: quota({ 'requests.example.com/gpu': '1' }),
    pod: pod({ 'example.com/gpu': '2' }),
    refused: 'QuotaExceeded',
  },
  {
    title: 'with resources of the pod’s own no container must state any',
    quotas: quota({ 'requests.cpu': '1', 'limits.memory': '256Mi' }),
    pod: pod({}, {}, { resources: { limits: { cpu: '1', memory: '256Mi' } } }),
  },
  {
    title: 'defaults of a LimitRange are counted by a quota',
    limits: [container({ default: { cpu: '200m', memory: '100Mi' } })],
    quotas: quota({ 'requests.cpu': '450m', 'limits.memory': '228Mi' }),
    pod: pod(),
  },
  {
    title: 'defaults of a LimitRange are too much for a quota',
    limits: [container({ default: { cpu: '200m', memory: '100Mi' } })],
    quotas: quota({ 'requests.cpu': '449m' }),
    pod: pod(),
    refused: 'QuotaExceeded',
  },
];
