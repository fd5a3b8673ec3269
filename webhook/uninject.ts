/** The way back of `inject()`, pure: a pod or template as it was before the sidecar came into it. */
import type { V1Container, V1Pod, V1PodSpec, V1Probe } from '@kubernetes/client-node';
import { isBinContainer, previouslyUnnamed } from './bin-container.ts';
import { restoredHooks, withoutDrainHook } from './drain.ts';
import { inject } from './inject.ts';
import { withoutLoopback } from './loopback.ts';
import { withoutExclusion } from './mesh.ts';
import { isOurVolume } from './names.ts';
import { givenSidecar, previousConfig } from './previous.ts';
import { resourcesOf } from './resources.ts';
import { unsupervised } from './supervised.ts';

/**
 * The annotations stay: `inject()` would make the same again. Of a container `mcp-proxy` of the user's own there is left
 * what `inject()` takes from it. The argument is not changed; a pod without our sidecar is returned as it is.
 */
export function uninject(pod: V1Pod): V1Pod {
  const config = pod.spec && previousConfig(pod.spec);
  const sidecar = pod.spec && givenSidecar(pod.spec);
  if (!pod.spec || !config || !sidecar) return pod;
  const bare = withoutExclusion({ ...pod, spec: withoutOurs(pod.spec, sidecar, []) }, config.adminPort);
  const stub = stubOf(sidecar, bare);
  if (stub.length === 0) return bare;
  return withoutExclusion({ ...pod, spec: withoutOurs(pod.spec, sidecar, stub) }, config.adminPort);
}

function withoutOurs(spec: V1PodSpec, sidecar: V1Container, instead: V1Container[]): V1PodSpec {
  const {
    initContainers = [],
    volumes = [],
    ...rest
  } = withoutLoopback(restoredHooks(spec), previousConfig(spec)?.loopback);
  const left = initContainers
    .filter((each) => !isBinContainer(each))
    .flatMap((each) => (each.name === sidecar.name ? instead : [each]));
  const unnamed = previouslyUnnamed(spec);
  const kept = volumes.filter((each) => !isOurVolume(each));
  return {
    ...rest,
    ...(left.length > 0 && { initContainers: left }),
    containers: rest.containers.map((each) =>
      withoutDrainHook(unsupervised(each, !unnamed.includes(each.name))),
    ),
    ...(kept.length > 0 && { volumes: kept }),
  };
}

/** How the sidecar differs from what `inject()` would make of the rest; nothing where it does not. */
function stubOf(sidecar: V1Container, bare: V1Pod & { spec: V1PodSpec }): V1Container[] {
  const { name, image = '', imagePullPolicy } = sidecar;
  const again = inject(bare, {
    image,
    imagePullPolicy: imagePullPolicy as 'IfNotPresent',
    namespace: 'any',
    drainRandom: 'x'.repeat(16),
  });
  const usual = 'pod' in again && again.pod.spec ? givenSidecar(again.pod.spec) : undefined;
  if (!usual) return [];
  const limits = difference(sidecar.resources?.limits, usual.resources?.limits);
  const requests = difference(
    sidecar.resources?.requests,
    resourcesOf(bare.spec, { ...(limits && { limits }) }).requests,
  );
  const chosen = {
    ...((limits ?? requests) && { resources: { ...(limits && { limits }), ...(requests && { requests }) } }),
    ...probeDifference('startupProbe', sidecar, usual),
    ...probeDifference('livenessProbe', sidecar, usual),
    ...probeDifference('readinessProbe', sidecar, usual),
  };
  return Object.keys(chosen).length > 0 ? [{ name, image, ...chosen }] : [];
}

function probeDifference(
  key: 'startupProbe' | 'livenessProbe' | 'readinessProbe',
  { [key]: probe }: V1Container,
  { [key]: usual }: V1Container,
): Partial<V1Container> {
  const timings = difference(timingsOf(probe), timingsOf(usual));
  return timings ? { [key]: timings } : {};
}

const timingsOf = (probe: V1Probe | undefined): Record<string, number> =>
  Object.fromEntries(
    Object.entries(probe ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );

function difference<T>(
  actual: Record<string, T> | undefined,
  usual: Record<string, T> | undefined,
): Record<string, T> | undefined {
  const entries = Object.entries(actual ?? {}).filter(([key, value]) => usual?.[key] !== value);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
