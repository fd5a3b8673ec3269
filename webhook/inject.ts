/** The one decision of the webhook, pure: what becomes of a pod. `kubectl mcp inject` makes the same one. */
import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { SidecarConfig } from '../sidecar/config.ts';
import { binContainer, isBinContainer } from './bin-container.ts';
import { configOf } from './configuration.ts';
import { configurationFaults, sidecarContainer } from './container.ts';
import { restoredHooks, withDrainHook, withoutDrainHook } from './drain.ts';
import { loopbackFaults, withLoopback, withoutLoopback } from './loopback.ts';
import { withExclusion, withoutExclusion } from './mesh.ts';
import { PREFIX, isOurVolume, workloadNameOf } from './names.ts';
import { nameFaults, obstacles, portCollisions, sharedVolumes } from './obstacles.ts';
import { parseAnnotations } from './parse-annotations.ts';
import { givenSidecar, previousConfig, previousPort } from './previous.ts';
import { sharedProcesses } from './processes.ts';
import type { UntouchedReason } from './reasons.ts';
import type { Refusal } from './refusals.ts';
import { ownKeys } from './server-keys.ts';
import { isStdio } from './request.ts';
import type { InjectSettings } from './settings.ts';
import { stdioFaults } from './stdio-faults.ts';
import { unnamedIn, withSupervisors } from './with-supervisors.ts';
import { serversOf } from './target.ts';
import type { Server } from './target.ts';
import { unprovenProviders } from './unproven-providers.ts';
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
  const previous = pod.spec && previousConfig(pod.spec);
  const spec = pod.spec && withoutLoopback(restoredHooks(pod.spec), previous?.loopback);
  const parsed = parseAnnotations(pod.metadata?.annotations);
  const refusals = [...('refusals' in parsed ? parsed.refusals : []), ...obstacles(pod)];
  if ('refusals' in parsed || !spec || refusals.length > 0) return { refusals };
  const servers = serversOf(pod, parsed.servers, (request) => previousPort(previous, request));
  if ('refusals' in servers) return servers;
  const faults = [
    ...nameFaults(workloadNameOf(pod)),
    ...portCollisions(spec, servers),
    ...sharedVolumes(spec, servers),
    ...unprovenProviders(servers),
    ...sharedProcesses(spec, servers),
    ...loopbackFaults(spec, servers),
    ...stdioFaults({ ...pod, spec }, servers, settings.namespace),
  ];
  if (faults.length > 0) return { refusals: faults };
  return assemble({ ...pod, spec }, servers, { previous, settings });
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

type Parts = { previous: SidecarConfig | undefined; settings: InjectSettings };

function assemble(
  pod: V1Pod & { spec: V1PodSpec },
  servers: Server[],
  { previous, settings }: Parts,
): Injection {
  const adminPort = servers[0]!.request['admin-port'];
  const { spec, loopback } = withLoopback(pod.spec, servers, { adminPort, previous: previous?.loopback });
  const workload = workloadNameOf(pod);
  const drainPath = previous?.drain.path ?? `/drain/${settings.drainRandom}`;
  const config = {
    ...configOf(servers, { spec, workload, drainPath, namespace: settings.namespace }),
    ...(loopback && { loopback }),
  };
  const faults = configurationFaults(config, pod.metadata?.annotations);
  if (faults.length > 0) return { refusals: faults };
  const requests = servers.map(({ request }) => request);
  const ours = volumesOf(requests, workload);
  const sidecar = sidecarContainer(
    spec,
    {
      config,
      mounts: mountsOf(requests, ours),
      startupSeconds: requests[0]!['startup-seconds'],
      given: givenSidecar(spec),
    },
    settings,
  );
  const kept = (spec.volumes ?? []).filter(
    (each) => !isOurVolume(each) || ours.some((our) => our.name === each.name),
  );
  const containers = withSupervisors(spec, servers).map((each) =>
    servers.some(({ target }) => target.container === each.name)
      ? withDrainHook(each, drainPath, config.adminPort)
      : withoutDrainHook(each),
  );
  const proxied = placed(spec.initContainers ?? [], sidecar, 'first');
  const injected = {
    ...pod,
    spec: {
      ...spec,
      volumes: ours.reduce((list, each) => placed(list, each, 'last'), kept),
      initContainers: requests.some(isStdio)
        ? placed(proxied, binContainer(sidecar, unnamedIn(spec, servers)), 'first')
        : proxied.filter((each) => !isBinContainer(each)),
      containers,
    },
  };
  const moved = previous && previous.adminPort !== config.adminPort;
  return {
    pod: withExclusion(moved ? withoutExclusion(injected, previous.adminPort) : injected, config.adminPort),
    warnings: warningsOf(spec, servers),
  };
}

/** In the place of its namesake, so that a second pass moves nothing; else at the named end. */
function placed<T extends { name: string }>(list: T[], item: T, end: 'first' | 'last'): T[] {
  if (list.some((each) => each.name === item.name)) {
    return list.map((each) => (each.name === item.name ? item : each));
  }
  return end === 'first' ? [item, ...list] : [...list, item];
}
