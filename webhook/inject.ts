/** The one decision of the webhook, pure: what becomes of a pod. `kubectl mcp inject` makes the same one. */
import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { SidecarConfig } from '../sidecar/config.ts';
import type { InjectionRequest } from './annotations.ts';
import { configOf } from './configuration.ts';
import { configurationFaults, sidecarContainer } from './container.ts';
import { restoredHooks, withDrainHook, withoutDrainHook } from './drain.ts';
import { withExclusion, withoutExclusion } from './mesh.ts';
import { PREFIX, VOLUME, workloadNameOf } from './names.ts';
import { nameFaults, obstacles, portCollisions, sharedVolumes } from './obstacles.ts';
import { ownKeys, parseAnnotations } from './parse-annotations.ts';
import { givenSidecar, previousConfig } from './previous.ts';
import { sharedProcesses } from './processes.ts';
import type { UntouchedReason } from './reasons.ts';
import type { Refusal } from './refusals.ts';
import type { InjectSettings } from './settings.ts';
import { targetOf } from './target.ts';
import type { Target } from './target.ts';
import { mountsOf, volumesOf } from './volumes.ts';
import { warningsOf } from './warnings.ts';

export type Injection =
  | { pod: V1Pod; warnings: string[] }
  | { refusals: Refusal[] }
  /** Why the pod stays as it is, in words. */
  | { untouched: string; reason: UntouchedReason };

/**
 * The pod with the sidecar, or every reason against it. The argument is not changed. A second pass over the result
 * makes the same pod: the drain path and the server's port are read from the first one.
 */
export function inject(pod: V1Pod, settings: InjectSettings): Injection {
  const left = untouched(pod);
  if (left) return left;
  const spec = pod.spec && restoredHooks(pod.spec);
  const parsed = parseAnnotations(pod.metadata?.annotations);
  const refusals = [...('refusals' in parsed ? parsed.refusals : []), ...obstacles(pod)];
  if ('refusals' in parsed || !spec || refusals.length > 0) return { refusals };
  const previous = previousConfig(spec);
  const target = targetOf(pod, parsed.request, previous?.servers[0]?.upstream.port);
  if ('refusals' in target) return target;
  const faults = [
    ...nameFaults(workloadNameOf(pod)),
    ...portCollisions(spec, parsed.request, target),
    ...sharedVolumes(spec, parsed.request, target),
    ...sharedProcesses(spec, target),
  ];
  if (faults.length > 0) return { refusals: faults };
  return assemble({ ...pod, spec }, parsed.request, { target, previous, settings });
}

/** Named reasons to leave a pod alone; the first counts. */
function untouched({ metadata }: V1Pod): { untouched: string; reason: UntouchedReason } | undefined {
  const annotations = metadata?.annotations;
  if (ownKeys(annotations).length === 0) {
    return { untouched: `no annotation starts with ${PREFIX}`, reason: 'NotAnnotated' };
  }
  if (annotations?.[`${PREFIX}inject`] === 'false') {
    return { untouched: `${PREFIX}inject is "false"`, reason: 'OptedOut' };
  }
  // The kubelet runs a static pod whatever the API server says; refused, it would only be invisible.
  if (annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    return { untouched: 'mirror of a static pod', reason: 'MirrorPod' };
  }
  return undefined;
}

type Parts = { target: Target; previous: SidecarConfig | undefined; settings: InjectSettings };

function assemble(
  pod: V1Pod & { spec: V1PodSpec },
  request: InjectionRequest,
  { target, previous, settings }: Parts,
): Injection {
  const { spec } = pod;
  const workload = workloadNameOf(pod);
  const drainPath = previous?.drain.path ?? `/drain/${settings.drainRandom}`;
  const config = configOf(request, { spec, target, workload, drainPath, namespace: settings.namespace });
  const faults = configurationFaults(config, pod.metadata?.annotations);
  if (faults.length > 0) return { refusals: faults };
  const ours = volumesOf(request, workload);
  const sidecar = sidecarContainer(
    spec,
    {
      config,
      mounts: mountsOf(request, ours),
      startupSeconds: request['startup-seconds'],
      given: givenSidecar(spec),
    },
    settings,
  );
  const names: string[] = Object.values(VOLUME);
  const kept = (spec.volumes ?? []).filter(
    (each) => !names.includes(each.name) || ours.some((our) => our.name === each.name),
  );
  const containers = spec.containers.map((each) =>
    each.name === target.container
      ? withDrainHook(each, drainPath, config.adminPort)
      : withoutDrainHook(each),
  );
  const injected = {
    ...pod,
    spec: {
      ...spec,
      volumes: ours.reduce((list, each) => placed(list, each, 'last'), kept),
      initContainers: placed(spec.initContainers ?? [], sidecar, 'first'),
      containers,
    },
  };
  const moved = previous && previous.adminPort !== config.adminPort;
  return {
    pod: withExclusion(moved ? withoutExclusion(injected, previous.adminPort) : injected, config.adminPort),
    warnings: warningsOf(spec, request, target),
  };
}

/** In the place of its namesake, so that a second pass moves nothing; else at the named end. */
function placed<T extends { name: string }>(list: T[], item: T, end: 'first' | 'last'): T[] {
  if (list.some((each) => each.name === item.name)) {
    return list.map((each) => (each.name === item.name ? item : each));
  }
  return end === 'first' ? [item, ...list] : [...list, item];
}
