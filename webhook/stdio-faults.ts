/** Why a server that speaks stdio could not be started, or not be told from others. Pure. */
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { isBinContainer, previouslyUnnamed } from './bin-container.ts';
import { BIN_CONTAINER, PREFIX, SIDECAR_CONTAINER } from './names.ts';
import { askedPorts } from './probes.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import { isStdio, writtenKey } from './request.ts';
import { isMoved, ownCommand } from './supervised.ts';
import { tcpPorts } from './target.ts';
import type { Server } from './target.ts';

type Injectable = V1Pod & { spec: V1PodSpec };

/** @param namespace for the command that resolves it. */
export function stdioFaults(pod: Injectable, servers: readonly Server[], namespace: string): Refusal[] {
  const stdio = servers.filter(({ request }) => isStdio(request));
  if (stdio.length === 0) return [];
  return [
    ...(stdio.length === servers.length ? lockdownFaults(stdio[0]!) : []),
    ...nameTaken(pod.spec),
    ...stdio.flatMap((each) => {
      const container = pod.spec.containers.find(({ name }) => name === each.target.container);
      if (!container) return [];
      return [
        ...commandFaults({ pod, container, server: each, namespace }),
        ...probeFaults(pod.spec, container, servers),
      ];
    }),
  ];
}

const lockdownFaults = ({ request }: Server): Refusal[] =>
  request.lockdown === 'loopback'
    ? [
        refuse(
          'NoEffect',
          'lockdown',
          'loopback',
          'has no effect: the server speaks stdio and listens nowhere',
          `remove ${PREFIX}lockdown`,
        ),
      ]
    : [];

function nameTaken({ containers, initContainers = [] }: V1PodSpec): Refusal[] {
  const holder = [...containers, ...initContainers].find(
    (each) => each.name === BIN_CONTAINER && !isBinContainer(each),
  );
  if (!holder) return [];
  const message = `is not possible: a container of the pod is called "${BIN_CONTAINER}"`;
  return [refuse('NameTaken', 'transport', 'stdio', message, 'rename it')];
}

type Started = { pod: Injectable; container: V1Container; server: Server; namespace: string };

function commandFaults({ pod, container, server: { request }, namespace }: Started): Refusal[] {
  if (isMoved(container)) return [];
  const key = writtenKey(request, 'command');
  const { command } = request;
  const own = ownCommand(container, !previouslyUnnamed(pod.spec).includes(container.name));
  const text = command && JSON.stringify(command);
  if (own.length > 0 && command) {
    const message = `stands beside the command of container "${container.name}"`;
    return [refuse('SaidTwice', key, text, message, 'both say the same: remove one of them')];
  }
  if (own.length > 0 && request['command-image']) {
    return [
      refuse(
        'NoEffect',
        writtenKey(request, 'command-image'),
        request['command-image'],
        `has no effect without ${PREFIX}${key}`,
        'remove it',
      ),
    ];
  }
  if (own.length > 0 || (command && command.length + (container.args?.length ?? 0) > 0)) return [];
  const message = command
    ? `is empty, as are the args of container "${container.name}"`
    : `is missing: what container "${container.name}" starts is known to its image alone`;
  const byHand = `set it to what the image ${container.image} starts, a JSON array${container.args?.length ? ', without the args of the container' : ''}`;
  const argument = asArgument(pod);
  const mend = argument
    ? `to have it read from the registry: kubectl mcp enable ${argument} -n ${namespace} --transport stdio; or ${byHand}`
    : `${byHand}, or give the container its command`;
  return [refuse('CommandMissing', key, text, message, mend)];
}

/** Kinds that `kubectl mcp enable` takes. */
export const isEnabled = (kind: string): boolean => ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind);

/** `KIND/NAME` as far as the pod tells. */
function asArgument({ metadata }: V1Pod): string | undefined {
  const owner = metadata?.ownerReferences?.find((each) => each.controller);
  const kind = owner?.kind === 'ReplicaSet' ? 'Deployment' : owner?.kind;
  if (!owner || !kind || !isEnabled(kind)) return undefined;
  const hash = metadata?.labels?.['pod-template-hash'];
  if (owner.kind !== 'ReplicaSet') return `${kind.toLowerCase()}/${owner.name}`;
  return hash && owner.name.endsWith(`-${hash}`)
    ? `deployment/${owner.name.slice(0, -hash.length - 1)}`
    : undefined;
}

/** What would answer there is nobody: neither the proxy, nor another container. */
function probeFaults(spec: V1PodSpec, container: V1Container, servers: readonly Server[]): Refusal[] {
  const answering = [
    ...servers.flatMap(({ request, target }) => [
      request['listen-port'],
      request['admin-port'],
      ...(target.port === undefined ? [] : [target.port]),
    ]),
    ...[...spec.containers, ...(spec.initContainers ?? [])]
      .filter(({ name }) => ![container.name, SIDECAR_CONTAINER].includes(name))
      .flatMap((each) => tcpPorts(each).map(({ containerPort }) => containerPort)),
  ];
  const lost = askedPorts(container).filter(({ port }) => port === undefined || !answering.includes(port));
  if (lost.length === 0) return [];
  const list = lost
    .map(({ kind, port }) => (port === undefined ? kind : `${kind} (port ${port})`))
    .join(', ');
  return [
    refuse(
      'StdioProbe',
      'transport',
      'stdio',
      `leaves ${list} of container "${container.name}" without an answer: its processes are started as clients come`,
      'remove it: that the pod is ready is what the proxy says',
    ),
  ];
}
