/** Which container and which of its ports is the MCP server. */
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { InjectionRequest } from './annotations.ts';
import { SIDECAR_CONTAINER } from './names.ts';
import { refuse } from './refusals.ts';
import type { Refusal } from './refusals.ts';

export type Target = { container: string; port: number };

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
  return 'refusals' in chosen ? chosen : choosePort(chosen, request, previousPort);
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
  { container: name, port }: InjectionRequest,
  previousPort: number | undefined,
): V1Container | { refusals: Refusal[] } {
  const names = containers.map((each) => each.name).join(', ');
  if (name !== undefined) {
    const found = containers.find((each) => each.name === name && name !== SIDECAR_CONTAINER);
    return (
      found ??
      refused(
        'ContainerUnknown',
        'container',
        name,
        'is not a container of the pod',
        `choose one of: ${names}`,
      )
    );
  }
  const apps = containers.filter((each) => !OF_OTHER_INJECTORS.includes(each.name));
  const [only] = apps;
  if (only && apps.length === 1) return only;
  const wanted = port ?? previousPort;
  const holders = containers.filter((each) => declares(each, wanted));
  if (wanted !== undefined && holders[0] && holders.length === 1) return holders[0];
  return refused(
    'ContainerMissing',
    'container',
    undefined,
    apps.length > 0
      ? `is missing in a pod with several containers`
      : `is missing in a pod with containers of other injectors alone`,
    `choose one of: ${names}`,
  );
}

function choosePort(
  container: V1Container,
  { port }: InjectionRequest,
  previousPort: number | undefined,
): Target | { refusals: Refusal[] } {
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
    return refused('PortUnknown', 'port', port, message, "set it to the number of the server's port");
  }
  const [only, ...more] = new Set(declared.map((each) => each.containerPort));
  if (only !== undefined && more.length === 0) return { container: container.name, port: only };
  if (previousPort !== undefined && declares(container, previousPort)) {
    return { container: container.name, port: previousPort };
  }
  return only
    ? refused(
        'PortMissing',
        'port',
        undefined,
        `is missing while ${inContainer} declares several ports`,
        `choose one of: ${list}`,
      )
    : refused(
        'PortMissing',
        'port',
        undefined,
        `is missing while ${inContainer} declares no port`,
        'set it to the port of the server',
      );
}

const refused = (...parts: Parameters<typeof refuse>) => ({ refusals: [refuse(...parts)] });
