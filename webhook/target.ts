/** Which container and which of its ports is the MCP server. */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { isElsewhere, isStdio, pathOf, writtenKey } from './request.ts';
import type { InjectionRequest } from './request.ts';
import { SIDECAR_CONTAINER } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';
import { isSupervised } from './supervised.ts';

/** Of a server that speaks stdio, or is elsewhere, there is no port: the container is the one that starts it, or stands for it. */
export type Target = { container: string; port?: number };
/** One server of a pod: what is asked for it, and where it is. */
export type Server = { request: InjectionRequest; target: Target };

/** Where servers listen. */
export const portsOf = (servers: readonly { target: Target }[]): number[] =>
  servers.flatMap(({ target }) => target.port ?? []);

/** @param previousPort see {@link targetOf} */
export function serversOf(
  pod: V1Pod,
  requests: readonly InjectionRequest[],
  previousPort: (request: InjectionRequest) => number | undefined = () => undefined,
): Server[] | { refusals: Refusal[] } {
  const found = requests.map((request) => ({
    request,
    target: targetOf(pod, request, previousPort(request)),
  }));
  const refusals = found.flatMap(({ target }) => ('refusals' in target ? target.refusals : []));
  return refusals.length > 0 ? { refusals } : equalServers(found as Server[]);
}

/** Two names of one server are most often a port that was left out. */
function equalServers(servers: Server[]): Server[] | { refusals: Refusal[] } {
  const refusals = servers.flatMap(({ request, target }, index) => {
    const before = servers.slice(0, index);
    const beside = before.find(
      (each) => each.target.container === target.container && (isStdio(each.request) || isStdio(request)),
    );
    if (beside) return [oneContainer(request, target, beside)];
    const other = before.find(
      (each) =>
        target.port !== undefined &&
        each.target.port === target.port &&
        pathOf(each.request) === pathOf(request),
    );
    if (!other) return [];
    const message = `leads to port ${target.port}, path ${pathOf(request)}, as server ${other.request.server?.name} does`;
    const key = `${request.server?.name}.port`;
    const text = request.port === undefined ? undefined : String(request.port);
    return [refuse('ServersEqual', key, text, message, 'give each server its own port, or its own path')];
  });
  return refusals.length > 0 ? { refusals } : servers;
}

/** What a container starts is one server when it speaks stdio. */
const oneContainer = (request: InjectionRequest, { container }: Target, other: Server): Refusal =>
  refuse(
    'ServersEqual',
    `${request.server?.name}.container`,
    request.container,
    `leads to container "${container}", as server ${other.request.server?.name} does, and one of them speaks stdio`,
    'give each of them a container of its own',
  );

/**
 * @param previousPort the server's port as an earlier pass wrote it down; decides where nothing else does, for other
 * injectors may have added containers since.
 */
export function targetOf(
  pod: V1Pod,
  request: InjectionRequest,
  previousPort?: number,
): Target | { refusals: Refusal[] } {
  const containers = pod.spec?.containers ?? [];
  const chosen = chooseContainer(containers, request, previousPort);
  if ('refusals' in chosen) return chosen;
  if (isStdio(request) || isElsewhere(request)) return { container: chosen.name };
  return request.upstream
    ? { container: chosen.name, port: request.upstream.port }
    : choosePort(chosen, request, previousPort);
}

/** Containers that meshes and agents put beside the app's, before us or after us: never the server, unless named. */
const OF_OTHER_INJECTORS = ['istio-proxy', 'linkerd-proxy', 'vault-agent', 'consul-dataplane', 'daprd'];

/** TCP ports that a container declares. */
export const tcpPorts = (container: V1Container) =>
  (container.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP');

const declares = (container: V1Container, port: number | string | undefined): boolean =>
  port !== undefined && tcpPorts(container).some((each) => each.containerPort === port || each.name === port);

function chooseContainer(
  containers: V1Container[],
  request: InjectionRequest,
  previousPort: number | undefined,
): V1Container | { refusals: Refusal[] } {
  const { container: name, port, server } = request;
  const key = writtenKey(request, 'container');
  const names = containers.map((each) => each.name).join(', ');
  if (name !== undefined) {
    const found = containers.find((each) => each.name === name && name !== SIDECAR_CONTAINER);
    return (
      found ??
      refused('ContainerUnknown', key, name, 'is not a container of the pod', `choose one of: ${names}`)
    );
  }
  const apps = containers.filter((each) => !OF_OTHER_INJECTORS.includes(each.name));
  const namesake = apps.find((each) => each.name === server?.name);
  if (namesake) return namesake;
  const [only] = apps;
  if (only && apps.length === 1) return only;
  const wanted = port ?? request.upstream?.port ?? previousPort;
  const holders = containers.filter((each) =>
    isStdio(request) ? isSupervised(each, server?.name) : declares(each, wanted),
  );
  if (holders[0] && holders.length === 1) return holders[0];
  return refused(
    'ContainerMissing',
    key,
    undefined,
    apps.length > 0
      ? `is missing in a pod with several containers`
      : `is missing in a pod with containers of other injectors alone`,
    `choose one of: ${names}`,
  );
}

function choosePort(
  container: V1Container,
  request: InjectionRequest,
  previousPort: number | undefined,
): Target | { refusals: Refusal[] } {
  const { port } = request;
  const key = writtenKey(request, 'port');
  const declared = tcpPorts(container);
  const list = declared
    .map((each) => (each.name ? `${each.containerPort} (${each.name})` : each.containerPort))
    .join(', ');
  const inContainer = `container "${container.name}"`;
  if (typeof port === 'number') return { container: container.name, port };
  if (port !== undefined) {
    const named = declared.find((each) => each.name === port);
    if (named) return { container: container.name, port: named.containerPort };
    const message = `is neither a number nor the name of a port that ${inContainer} declares (${list || 'none'})`;
    return refused('PortUnknown', key, port, message, "set it to the number of the server's port");
  }
  const [only, ...more] = new Set(declared.map((each) => each.containerPort));
  if (only !== undefined && more.length === 0) return { container: container.name, port: only };
  if (previousPort !== undefined && declares(container, previousPort)) {
    return { container: container.name, port: previousPort };
  }
  return only
    ? refused(
        'PortMissing',
        key,
        undefined,
        `is missing while ${inContainer} declares several ports`,
        `choose one of: ${list}`,
      )
    : refused(
        'PortMissing',
        key,
        undefined,
        `is missing while ${inContainer} declares no port`,
        'set it to the port of the server',
      );
}

const refused = (...parts: Parameters<typeof refuse>) => ({ refusals: [refuse(...parts)] });
