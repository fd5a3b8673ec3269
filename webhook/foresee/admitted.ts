/** The pod as limits see it: after the API server's defaults, LimitRanges and the webhook. */
import type { V1Container, V1LimitRange, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { inject } from '../inject.ts';
import type { InjectSettings } from '../settings.ts';
import { written } from './amounts.ts';
import { aggregate, isPodLevel } from './demand.ts';

/**
 * LimitRanges give their defaults before webhooks are called (a pod may be Guaranteed by them), and again after one has
 * changed the pod (order of plugins of Kubernetes 1.34: LimitRanger, MutatingAdmissionWebhook, and again from the
 * start).
 * @returns undefined where the webhook refuses the pod or leaves it alone.
 */
export function admitted(
  pod: V1Pod,
  limitRanges: readonly V1LimitRange[],
  settings: InjectSettings,
): V1Pod | undefined {
  const injection = inject(defaulted(pod, limitRanges), settings);
  return 'pod' in injection ? defaulted(injection.pod, limitRanges) : undefined;
}

function defaulted(pod: V1Pod, limitRanges: readonly V1LimitRange[]): V1Pod {
  if (!pod.spec) return pod;
  const each = (container: V1Container): V1Container =>
    limitRanges.reduce(withDefaults, withRequests(container));
  const { initContainers, containers } = pod.spec;
  const spec = {
    ...withPodRequests({
      ...pod.spec,
      containers: containers.map(withRequests),
      ...(initContainers && { initContainers: initContainers.map(withRequests) }),
    }),
    containers: containers.map(each),
    ...(initContainers && { initContainers: initContainers.map(each) }),
  };
  return { ...pod, spec };
}

/** A request that is absent is the limit: of pods, not yet of their templates. */
const withRequests = (container: V1Container): V1Container => ({
  ...container,
  resources: {
    ...container.resources,
    requests: { ...container.resources?.limits, ...container.resources?.requests },
  },
});

function withPodRequests(spec: V1PodSpec): V1PodSpec {
  const { limits = {}, requests } = spec.resources ?? {};
  if (Object.keys(limits).length === 0) return spec;
  const sums = Object.entries(aggregate(spec, 'requests'))
    .filter(([name]) => name === 'cpu' || name === 'memory')
    .map(([name, amount]) => [name, written(amount, name)]);
  const own = Object.entries(limits).filter(([name]) => isPodLevel(name));
  return {
    ...spec,
    resources: {
      ...spec.resources,
      requests: { ...Object.fromEntries(own), ...Object.fromEntries(sums), ...requests },
    },
  };
}

/** Each LimitRange in turn; of its own items the last one that gives a default counts. */
const withDefaults = (container: V1Container, { spec }: V1LimitRange): V1Container => {
  const items = (spec?.limits ?? []).filter(({ type }) => type === 'Container');
  const all = (key: '_default' | 'defaultRequest') =>
    Object.assign({}, ...items.map((item) => quantitiesOf(item, key)));
  const { limits, requests } = container.resources ?? {};
  return {
    ...container,
    resources: {
      ...container.resources,
      limits: { ...all('_default'), ...limits },
      requests: { ...all('defaultRequest'), ...requests },
    },
  };
};

/** client-node's classes call it `_default`; in what was read as JSON it is `default`. */
const quantitiesOf = (item: object, key: '_default' | 'defaultRequest'): Record<string, string> => {
  const held = item as Record<string, Record<string, string> | undefined>;
  return held[key] ?? (key === '_default' ? held['default'] : undefined) ?? {};
};
