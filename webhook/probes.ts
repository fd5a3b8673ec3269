/** Probes and hooks that ask a port which only the loopback reaches: the proxy asks for the kubelet, and back. Pure. */
import type { V1Container, V1HTTPGetAction, V1PodSpec, V1TCPSocketAction } from '@kubernetes/client-node';
import type { SidecarConfig } from '../sidecar/config.ts';
import type { RelayedProbe } from '../sidecar/loopback-config.ts';
import { PROBE_PATH } from '../sidecar/probe-relay.ts';
import { SIDECAR_CONTAINER } from './names.ts';
import { tcpPorts } from './target.ts';

export type Loopback = NonNullable<SidecarConfig['loopback']>;
/** What the kubelet asks, in a probe or a hook. */
type Handler = {
  httpGet?: V1HTTPGetAction;
  tcpSocket?: V1TCPSocketAction;
  grpc?: { port: number };
};

const PROBES = { startup: 'startupProbe', liveness: 'livenessProbe', readiness: 'readinessProbe' } as const;
const HOOKS = ['postStart', 'preStop'] as const;

/** Every container that the kubelet may ask, but the proxy's own. */
export const eachContainer = <S extends V1PodSpec>(
  spec: S,
  edit: (container: V1Container) => V1Container,
): S => ({
  ...spec,
  containers: spec.containers.map(edit),
  ...(spec.initContainers && {
    initContainers: spec.initContainers.map((each) => (each.name === SIDECAR_CONTAINER ? each : edit(each))),
  }),
});

/** The probes that ask one of the ports at the pod's address, by `CONTAINER/KIND`. */
export function probesOf(spec: V1PodSpec, ports: readonly number[]): Loopback['probes'] {
  const found: Loopback['probes'] = {};
  eachContainer(spec, (container) =>
    eachHandler(container, (handler, key) => {
      const port = askedPort(handler, container);
      if (port !== undefined && ports.includes(port)) found[key] = asRelayed(handler, port);
      return handler;
    }),
  );
  return found;
}

/** gRPC is not spoken for the kubelet: `CONTAINER/KIND` of the probes that would need it. */
export function unfollowed(spec: V1PodSpec, ports: readonly number[]): string[] {
  const found: string[] = [];
  eachContainer(spec, (container) =>
    eachHandler(container, (handler, key) => {
      if (handler.grpc && ports.includes(handler.grpc.port)) found.push(key);
      return handler;
    }),
  );
  return found;
}

/** What the kubelet asks at the pod's address: `KIND` and the port, which is undefined where a name stands for none. */
export function askedPorts(container: V1Container): { kind: string; port: number | undefined }[] {
  const found: { kind: string; port: number | undefined }[] = [];
  eachHandler(container, (handler, key) => {
    const { httpGet, tcpSocket, grpc } = handler;
    const isElsewhere = (httpGet ?? tcpSocket)?.host !== undefined;
    if ((httpGet ?? tcpSocket ?? grpc) && !isElsewhere) {
      const port = grpc?.port ?? askedPort(handler, container);
      found.push({ kind: key.slice(container.name.length + 1), port });
    }
    return handler;
  });
  return found;
}

export const relayed = <S extends V1PodSpec>(spec: S, probes: Loopback['probes'], adminPort: number): S =>
  eachContainer(spec, (container) =>
    eachHandler(container, ({ httpGet: _, tcpSocket: __, ...rest }, key, whole) =>
      Object.hasOwn(probes, key)
        ? { ...rest, httpGet: { path: PROBE_PATH + key, port: adminPort, scheme: 'HTTP' } }
        : whole,
    ),
  );

/** As they were; one that another injector has led elsewhere since is left. */
export const restored = <S extends V1PodSpec>(spec: S, probes: Loopback['probes']): S =>
  eachContainer(spec, (container) =>
    eachHandler(container, ({ httpGet, ...rest }, key, whole) => {
      const original = Object.hasOwn(probes, key) ? probes[key] : undefined;
      if (!original || httpGet?.path !== PROBE_PATH + key) return whole;
      const { port: _, ...handler } = original;
      return { ...rest, ...(handler as Handler) };
    }),
  );

/** Of an earlier pass: those that a mesh's agent asks the proxy for by now. */
export function ledElsewhere(spec: V1PodSpec, probes: Loopback['probes']): Loopback['probes'] {
  const kept: Loopback['probes'] = {};
  eachContainer(spec, (container) =>
    eachHandler(container, (handler, key) => {
      const path = handler.httpGet?.path;
      if (Object.hasOwn(probes, key) && path !== undefined && ISTIO_PATH.test(path)) kept[key] = probes[key]!;
      return handler;
    }),
  );
  return kept;
}

const ISTIO_PATH = /^\/app-(health|lifecycle)\//;

function eachHandler(
  container: V1Container,
  edit: (handler: Handler, key: string, whole: Handler) => Handler,
): V1Container {
  const next: V1Container = { ...container };
  for (const [kind, field] of Object.entries(PROBES) as [keyof typeof PROBES, (typeof PROBES)['startup']][]) {
    const probe = container[field];
    if (probe) next[field] = edit(probe, `${container.name}/${kind}`, probe);
  }
  for (const hook of HOOKS) {
    const handler = container.lifecycle?.[hook];
    if (handler) {
      const edited = edit(handler, `${container.name}/${hook}`, handler);
      next.lifecycle = { ...next.lifecycle, [hook]: edited };
    }
  }
  return next;
}

/** A probe that names a host asks there, whatever the pod's address is. */
function askedPort({ httpGet, tcpSocket }: Handler, container: V1Container): number | undefined {
  const asked = httpGet ?? tcpSocket;
  if (!asked || asked.host) return undefined;
  if (typeof asked.port === 'number') return asked.port;
  return tcpPorts(container).find(({ name }) => name === asked.port)?.containerPort;
}

/** In one order, whatever the pod's: the text is compared. */
const asRelayed = ({ httpGet, tcpSocket }: Handler, port: number): RelayedProbe => ({
  port,
  ...(httpGet && { httpGet: httpGetOf(httpGet) }),
  ...(!httpGet && tcpSocket && { tcpSocket: { port: portOf(tcpSocket) } }),
});

const httpGetOf = ({ path, scheme, httpHeaders, ...rest }: V1HTTPGetAction) => ({
  ...(path !== undefined && { path }),
  port: portOf(rest),
  ...(scheme !== undefined && { scheme: scheme as 'HTTP' | 'HTTPS' }),
  ...(httpHeaders && { httpHeaders: httpHeaders.map(({ name, value }) => ({ name, value })) }),
});

/** `IntOrString` is an object to the compiler. */
const portOf = ({ port }: { port: unknown }): number | string => port as number | string;
