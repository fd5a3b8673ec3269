/** Workload, pods and Services → the MCP server as a person sees it. Pure. */
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { LISTEN_PATH } from '../sidecar/config.ts';
import { audiencesOf } from '../webhook/oidc-configuration.ts';
import type { InjectionRequest } from '../webhook/request.ts';
import { isStdio } from '../webhook/request.ts';
import { audienceOf, serverTitle, SIDECAR_CONTAINER } from '../webhook/names.ts';
import { parseAnnotations } from '../webhook/parse-annotations.ts';
import { refusalText } from '../webhook/refusals.ts';
import { ownKeys } from '../webhook/server-keys.ts';
import { portsOf } from '../webhook/target.ts';
import { isTcp, reachedPort } from './enable/services.ts';
import {
  annotationOf,
  declaredPorts,
  hasSidecar,
  isLive,
  isReady,
  ownPort,
  selectorMatches,
  serversIn,
  serviceSelects,
  type Workload,
} from './enable/workload.ts';

export interface McpServer {
  readonly namespace: string;
  readonly kind: string;
  /** Of the workload. */
  readonly name: string;
  /** Of the MCP server: the annotation `name`, or the workload's; of one of several, with its own. */
  readonly serverName: string;
  /** Where annotations name the servers of the workload: this one's. */
  readonly server?: string;
  /** `auto` until the sidecar tells what it has found. */
  readonly transport: 'auto' | 'streamable-http' | 'sse' | 'stdio';
  /** Kinds with a comma between them, `none`, or `invalid`. */
  readonly auth: string;
  /** With auth kubernetes: what a caller's token must be made for. */
  readonly audience?: string;
  readonly readyPods: number;
  readonly desiredPods: number;
  /** Whose proxy is not the one that the webhook would make now; absent where that is not known. */
  readonly outdatedPods?: number;
  readonly listenPort: number;
  readonly adminPort: number;
  /** Of a Service that reaches the sidecar. */
  readonly url?: string;
  readonly created?: Date;
  /** Why the webhook refuses the pods. */
  readonly refusals: readonly string[];
  /** A live pod whose sidecar may be asked. */
  readonly pod?: string;
  /** What the sidecar tells of itself; absent until asked. */
  readonly health?: SidecarHealth;
  /** Is there a way past the proxy: a Service, a pod without it, a port that is left open? `?` until it is known. */
  readonly bypass: Bypass;
}

export type Bypass = 'yes' | 'no' | '?';

/** The part of the sidecar's `/health` that is shown. */
export interface SidecarHealth {
  readonly status: string;
  readonly version: string;
  readonly tools: number;
  readonly servers: readonly {
    readonly name: string;
    readonly connected: boolean;
    readonly transport?: 'streamable-http' | 'sse' | 'stdio';
    readonly era?: string;
    readonly listening?: string;
    readonly error?: string;
    /** What is wrong, though calls are answered. */
    readonly problems?: readonly string[];
    /** Callers may see fewer tools than are allowed. */
    readonly per_caller?: true;
    /** Revision of its static tokens; absent of a proxy that does not tell. */
    readonly tokens?: string;
    readonly tools?: readonly { readonly allowed: boolean }[];
  }[];
}

/** An MCP server is a workload whose template carries a key of ours, and is not opted out. */
export const isMcpServer = (workload: Workload): boolean =>
  ownKeys(workload.spec.template.metadata?.annotations).length > 0 &&
  annotationOf(workload.spec.template, 'inject') !== 'false';

/** One for each server that the annotations name, or the one without a name. */
export function toMcpServers(
  workload: Workload,
  pods: readonly V1Pod[],
  services: readonly V1Service[],
): McpServer[] {
  const { template, selector, replicas } = workload.spec;
  const { name, namespace, creationTimestamp } = workload.metadata;
  const parsed = parseAnnotations(template.metadata?.annotations);
  const own = pods.filter(
    (pod) =>
      pod.metadata?.namespace === namespace &&
      isLive(pod) &&
      hasSidecar(pod) &&
      selectorMatches(selector, pod.metadata.labels),
  );
  const ready = own.filter(isSidecarReady);
  const leading = services.filter(
    (each) =>
      each.metadata?.namespace === namespace &&
      serviceSelects(each.spec?.selector, template.metadata?.labels),
  );
  const pod = (ready[0] ?? own[0])?.metadata?.name;
  return ('servers' in parsed ? parsed.servers : [undefined]).map((request) => {
    const listenPort = request?.['listen-port'] ?? ownPort(template, 'listen-port');
    const isTls = (request?.['tls-secret'] ?? annotationOf(template, 'tls-secret')) !== undefined;
    const url = urlOf(leading, { listenPort, scheme: isTls ? 'https' : 'http' }, own[0]);
    return {
      namespace,
      kind: workload.kind,
      name,
      ...identityOf(annotationOf(template, 'name') ?? name, namespace, request),
      transport: request?.transport ?? 'auto',
      auth: request?.auth.join(',') ?? 'invalid',
      readyPods: ready.length,
      desiredPods: Number(workload.status?.['desiredNumberScheduled'] ?? replicas ?? 1),
      listenPort,
      adminPort: ownPort(template, 'admin-port'),
      ...(url ? { url } : {}),
      ...(creationTimestamp ? { created: creationTimestamp } : {}),
      refusals: 'refusals' in parsed ? parsed.refusals.map((each) => refusalText([each])) : [],
      ...(pod ? { pod } : {}),
      bypass: bypassOf(workload, request, { leading, pods }),
    };
  });
}

/**
 * What is known without a dial: a Service leads to the server, a pod has no proxy, or the port is left open on purpose.
 * That a NetworkPolicy is there says nothing of whether it is enforced. A server of stdio listens nowhere.
 */
function bypassOf(
  workload: Workload,
  request: InjectionRequest | undefined,
  { leading, pods }: { leading: readonly V1Service[]; pods: readonly V1Pod[] },
): Bypass {
  const { template, selector } = workload.spec;
  const server = serversIn(template).find((each) => each.request.server?.name === request?.server?.name);
  const declared = declaredPorts(template);
  const bare = pods.some(
    (pod) =>
      pod.metadata?.namespace === workload.metadata.namespace &&
      isReady(pod) &&
      !hasSidecar(pod) &&
      selectorMatches(selector, pod.metadata.labels),
  );
  const reached = leading
    .flatMap((each) => each.spec?.ports ?? [])
    .some((port) => server && isTcp(port) && portsOf([server]).includes(reachedPort(port, declared) ?? 0));
  if (bare) return 'yes';
  if (request && isStdio(request)) return 'no';
  return reached || request?.lockdown === 'none' ? 'yes' : '?';
}

/** No other pod reaches a server that listens on the loopback alone: its kernel says so. */
export function withHealthOf(server: McpServer, health: SidecarHealth): McpServer {
  const isClosed =
    health.servers.length > 0 && health.servers.every(({ listening }) => listening === 'loopback');
  const transport = health.servers[0]?.transport ?? server.transport;
  return { ...server, transport, health, ...(isClosed && server.bypass === '?' && { bypass: 'no' }) };
}

function identityOf(workload: string, namespace: string, request: InjectionRequest | undefined) {
  const server = request?.server?.name;
  return {
    serverName: serverTitle(workload, server),
    ...(server === undefined ? {} : { server }),
    ...(request?.auth.includes('kubernetes')
      ? { audience: request.audience ?? audienceOf(workload, namespace, server) }
      : request?.auth.includes('oidc')
        ? { audience: audiencesOf(request, workload, namespace)[0]! }
        : {}),
  };
}

/** A native sidecar's state is among the init containers'. */
export const isSidecarReady = (pod: V1Pod): boolean =>
  pod.status?.initContainerStatuses?.find((each) => each.name === SIDECAR_CONTAINER)?.ready ?? false;

/** The first Service port, by name of Service, whose target is the sidecar's listen port. */
function urlOf(
  services: readonly V1Service[],
  { listenPort, scheme }: { listenPort: number; scheme: string },
  pod: V1Pod | undefined,
): string | undefined {
  for (const service of services.toSorted((a, b) => (a.metadata!.name! < b.metadata!.name! ? -1 : 1))) {
    const port = service.spec?.ports?.find(
      (each) => targetNumber(each.targetPort ?? each.port, pod) === listenPort,
    );
    if (port) {
      return `${scheme}://${service.metadata!.name}.${service.metadata!.namespace}.svc:${port.port}${LISTEN_PATH}`;
    }
  }
  return undefined;
}

function targetNumber(target: number | string, pod: V1Pod | undefined): number | undefined {
  if (typeof target === 'number') return target;
  const containers = [...(pod?.spec?.initContainers ?? []), ...(pod?.spec?.containers ?? [])];
  return containers.flatMap((each) => each.ports ?? []).find((port) => port.name === target)?.containerPort;
}
