/** What is not wrong with a pod, but should be known to who makes it. */
import type { V1PodSpec } from '@kubernetes/client-node';
import type { AnnotationKey, InjectionRequest } from './annotations.ts';
import { hasOwnHook } from './drain.ts';
import { PREFIX } from './names.ts';
import type { Target } from './target.ts';

/** Checks that `*` switches off, and what that means. */
export const WIDE_OPEN = {
  'allowed-hosts': 'the Host header is not checked: a web page can reach the server by DNS rebinding',
  'allowed-origins': 'any web page may call the server from the browser of who can reach it',
} as const satisfies Partial<Record<AnnotationKey, string>>;

export const widelyOpen = (request: InjectionRequest): (keyof typeof WIDE_OPEN)[] =>
  (Object.keys(WIDE_OPEN) as (keyof typeof WIDE_OPEN)[]).filter((key) => request[key]?.includes('*'));

export const warningsOf = (spec: V1PodSpec, request: InjectionRequest, target: Target): string[] => [
  ...spec.containers
    .filter((each) => each.name === target.container && hasOwnHook(each))
    .map(
      (each) => `container "${each.name}" has a preStop hook of its own: calls that run at a stop may be cut`,
    ),
  ...widelyOpen(request).map((key) => `${PREFIX}${key} holds "*": ${WIDE_OPEN[key]}`),
  ...missingVolumes(spec, request).map(
    ({ key, volume, there }) =>
      `${PREFIX}${key}: the pod has no volume "${volume}" (it has: ${there}); it is refused unless another webhook adds it`,
  ),
];

/** No refusal: an injector whose configuration comes after ours by name, like Vault's, adds its volume later. */
export function missingVolumes(spec: V1PodSpec, request: InjectionRequest) {
  const there = (spec.volumes ?? []).map((each) => each.name);
  return (['token-volume', 'upstream-headers-volume'] as const).flatMap((key) => {
    const volume = request[key]?.volume;
    return volume === undefined || there.includes(volume)
      ? []
      : [{ key, volume, there: there.join(', ') || 'none' }];
  });
}
