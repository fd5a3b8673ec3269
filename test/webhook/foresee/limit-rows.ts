/** LimitRanges. */
import { container, inAll, init, pod } from './row.ts';
import type { Row } from './row.ts';

export const LIMIT_ROWS: readonly Row[] = [
  { title: 'nothing is limited', pod: pod() },
  {
    title: 'all containers are just within their maximum',
    limits: [container({ max: { cpu: '1', memory: '128Mi' } })],
    pod: pod({ cpu: '1', memory: '64Mi' }, { cpu: '10m' }),
  },
  {
    title: "the proxy's CPU limit is over the maximum",
    limits: [container({ max: { cpu: '500m' } })],
    pod: pod(),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the proxy's memory is over the maximum",
    limits: [container({ max: { memory: '64Mi' } })],
    pod: pod({ memory: '32Mi' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the proxy's CPU request is under the minimum",
    limits: [container({ min: { cpu: '50m' } })],
    pod: pod({}, { cpu: '50m' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the proxy's memory is under the minimum",
    limits: [container({ min: { memory: '200Mi' } })],
    pod: pod({ memory: '200Mi' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the proxy's ratio of limit to request is too high",
    limits: [container({ maxLimitRequestRatio: { cpu: '10' } })],
    pod: pod({ cpu: '100m' }, { cpu: '10m' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the proxy's ratio is just within",
    limits: [container({ maxLimitRequestRatio: { cpu: '100' } })],
    pod: pod({ cpu: '100m' }, { cpu: '10m' }),
  },
  {
    title: "the server's container has no limit where a ratio is set",
    limits: [container({ maxLimitRequestRatio: { cpu: '100' } })],
    pod: pod(),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the sum is over a pod's maximum",
    limits: [inAll({ max: { cpu: '1' } })],
    pod: pod({ cpu: '100m' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "the sum is just a pod's maximum",
    limits: [inAll({ max: { memory: '256Mi' } })],
    pod: pod({ memory: '128Mi' }),
  },
  {
    title: 'a sum that numbers with a fraction get wrong',
    limits: [inAll({ max: { cpu: '300m' } })],
    pod: pod({ cpu: '100m' }, {}, { initContainers: [init('mcp-proxy', { cpu: '0.2' })] }),
  },
  {
    title: 'in a sum, what has no limit counts as nothing',
    limits: [inAll({ max: { memory: '128Mi' } })],
    pod: pod(),
  },
  {
    title: "the sum is just a pod's minimum",
    limits: [inAll({ min: { cpu: '100m' } })],
    pod: pod({}, { cpu: '90m' }),
  },
  {
    title: "the sum is under a pod's minimum",
    limits: [inAll({ min: { cpu: '100m' } })],
    pod: pod({}, { cpu: '89m' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: "a pod's ratio is too high",
    limits: [inAll({ maxLimitRequestRatio: { cpu: '2' } })],
    pod: pod({ cpu: '1' }, { cpu: '500m' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: 'an init container runs beside the proxy',
    limits: [inAll({ max: { memory: '1Gi' } })],
    pod: pod({ memory: '64Mi' }, {}, { initContainers: [init('setup', { memory: '900Mi' })] }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: 'init containers run one after the other',
    limits: [inAll({ max: { memory: '1Gi' } })],
    pod: pod(
      { memory: '64Mi' },
      {},
      { initContainers: [init('one', { memory: '896Mi' }), init('two', { memory: '896Mi' })] },
    ),
  },
  {
    title: 'sidecars count beside the containers',
    limits: [inAll({ max: { memory: '256Mi' } })],
    pod: pod(
      { memory: '64Mi' },
      {},
      { initContainers: [init('other', { memory: '65Mi' }, {}, { restartPolicy: 'Always' })] },
    ),
    refused: 'LimitRangeExceeded',
  },
  {
    title: 'defaults of a LimitRange make the pod Guaranteed, and the proxy smaller',
    limits: [
      container({ default: { cpu: '200m', memory: '100Mi' } }),
      inAll({ max: { cpu: '450m', memory: '228Mi' } }),
    ],
    pod: pod(),
  },
  {
    title: 'defaults of a LimitRange make the pod Guaranteed, and it is too large still',
    limits: [container({ default: { cpu: '200m', memory: '100Mi' } }), inAll({ max: { cpu: '449m' } })],
    pod: pod(),
    refused: 'LimitRangeExceeded',
  },
  {
    title: 'what the proxy does not say it gets by default, after injection',
    limits: [container({ max: { 'ephemeral-storage': '1Gi' } })],
    pod: pod(),
  },
  {
    title: 'each of two LimitRanges counts',
    limits: [container({ max: { cpu: '2' } }), container({ max: { cpu: '300m' } })],
    pod: pod({ cpu: '300m' }),
    refused: 'LimitRangeExceeded',
  },
  {
    title: 'resources of its own make the proxy fit',
    limits: [container({ max: { cpu: '300m', memory: '96Mi' }, min: { cpu: '50m' } })],
    pod: pod(
      { cpu: '300m', memory: '96Mi' },
      {},
      { initContainers: [init('mcp-proxy', { cpu: '300m', memory: '96Mi' }, { cpu: '50m' })] },
    ),
  },
  {
    title: "a pod's own resources stand for the sum",
    limits: [inAll({ max: { cpu: '1', memory: '256Mi' } })],
    pod: pod({}, {}, { resources: { limits: { cpu: '1', memory: '256Mi' } } }),
  },
  {
    title: "a pod's own resources do not stand for its containers",
    limits: [container({ max: { cpu: '500m' } })],
    pod: pod({ cpu: '500m' }, {}, { resources: { limits: { cpu: '1', memory: '256Mi' } } }),
    refused: 'LimitRangeExceeded',
  },
];
