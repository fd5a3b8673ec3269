/** What in a pod, beside its annotations, makes injection impossible or worthless. */
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { writtenKey } from './request.ts';
import type { InjectionRequest } from './request.ts';
import { isBinContainer } from './bin-container.ts';
import { SIDECAR_CONTAINER, STDIO_VOLUME, VOLUME, isOurVolume } from './names.ts';
import type { RefusalReason } from './reasons.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import { unsupervised } from './supervised.ts';
import { tcpPorts } from './target.ts';
import type { Server } from './target.ts';

type Obstacle = { reason: RefusalReason; found: (spec: V1PodSpec) => boolean; message: string; mend: string };

const OBSTACLES: Obstacle[] = [
  {
    reason: 'HostNetwork',
    found: (spec) => spec.hostNetwork === true,
    message: "cannot protect a pod with hostNetwork: its server's port is open on the node",
    mend: 'remove hostNetwork',
  },
  {
    reason: 'Windows',
    found: (spec) => spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows',
    message: 'is not possible on Windows: the proxy has a Linux image only',
    mend: 'remove the annotation',
  },
  {
    reason: 'NameTaken',
    found: (spec) => spec.containers.some((each) => each.name === SIDECAR_CONTAINER),
    message: `is not possible: "${SIDECAR_CONTAINER}" is among the containers of the pod`,
    mend: 'rename it, or move it to initContainers to give the proxy its resources and probe timings',
  },
  {
    reason: 'VolumeTaken',
    found: (spec) => others(spec).some(mountsOurs),
    message: `is not possible: another container mounts ${[...Object.values(VOLUME), ...Object.values(STDIO_VOLUME)].join(', ')}`,
    mend: 'remove that mount; what these volumes hold is for the proxy alone',
  },
];

export function obstacles({ metadata, spec }: V1Pod): Refusal[] {
  const value = metadata?.annotations?.['kubectl-mcp.dev/inject'];
  return OBSTACLES.filter(({ found }) => spec && found(spec)).map(({ reason, message, mend }) =>
    refuse(reason, 'inject', value, message, mend),
  );
}

/** Two listeners on one port of a pod: the second one fails to start. */
export function portCollisions(spec: V1PodSpec, servers: readonly Server[]): Refusal[] {
  const asked = servers.flatMap(({ request }) => [
    { key: writtenKey(request, 'listen-port'), port: request['listen-port'] },
    { key: writtenKey(request, 'admin-port'), port: request['admin-port'] },
  ]);
  return [...new Map(asked.map((each) => [each.key, each])).values()].flatMap(({ key, port }) => {
    const holder = [
      ...others(spec).filter((each) => tcpPorts(each).some(({ containerPort }) => containerPort === port)),
      ...servers
        .filter(({ target }) => target.port === port)
        .map(({ target }) => ({ name: target.container })),
    ][0];
    if (!holder) return [];
    const message = `is a port of container "${holder.name}"`;
    return [refuse('PortTaken', key, String(port), message, 'set it to a port that is free in the pod')];
  });
}

/** Volumes of the pod that the proxy is to mount, and must not. Whether they are there, the API server says. */
export const sharedVolumes = (spec: V1PodSpec, servers: readonly Server[]): Refusal[] =>
  servers.flatMap(({ request }) => volumeFaults(spec, request, servers));

function volumeFaults(spec: V1PodSpec, request: InjectionRequest, servers: readonly Server[]): Refusal[] {
  const ofServers = spec.containers.filter((each) =>
    servers.some(({ target }) => target.container === each.name),
  );
  return (['token-volume', 'upstream-headers-volume'] as const).flatMap((name) => {
    const key = writtenKey(request, name);
    const { volume = '', directory = '' } = request[name] ?? {};
    const text = directory ? `${volume}/${directory}` : volume;
    if (isOurVolume({ name: volume })) {
      return [refuse('OwnVolume', key, text, 'is a volume of the proxy itself', 'name a volume of the pod')];
    }
    // With its callers' tokens a server could be any of them, here and wherever else they are good.
    const reader = ofServers.find((each) => each.volumeMounts?.some((mount) => mount.name === volume));
    if (name !== 'token-volume' || !reader) return [];
    const message = `is mounted by container "${reader.name}" too, which could read its callers' tokens`;
    return [
      refuse('TokensShared', key, text, message, 'put the tokens into a volume that it does not mount'),
    ];
  });
}

/** Longer ones do not fit into what is derived from them: an audience of 256 characters, a Secret's name of 253. */
const MAX_NAME = 150;

export const nameFaults = (workload: string): Refusal[] =>
  workload.length <= MAX_NAME
    ? []
    : [
        refuse(
          'NameTooLong',
          'name',
          undefined,
          `is missing while the owner's name has over ${MAX_NAME} characters`,
          'choose one',
        ),
      ];

const others = (spec: V1PodSpec): V1Container[] =>
  [...spec.containers, ...(spec.initContainers ?? [])].filter(
    (each) => each.name !== SIDECAR_CONTAINER && !isBinContainer(each),
  );

/** Those of an earlier pass are not in the way. */
const mountsOurs = (container: V1Container): boolean =>
  (unsupervised(container, true).volumeMounts ?? []).some(isOurVolume);
