/** From annotations to the document that the sidecar reads. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { CONFIG_VERSION, DEFAULT_LIMITS } from '../sidecar/config.ts';
import type { SidecarConfigInput } from '../sidecar/config.ts';
import { isStdio, pathOf, SSE_PATH } from './request.ts';
import { authConfigOf } from './auth-configuration.ts';
import { directoryOf, sourceOf } from './mounted-sources.ts';
import { elsewhereOf } from './elsewhere.ts';
import { outboundOf, tokenOf } from './outbound-configuration.ts';
import type { InjectionRequest } from './request.ts';
import { drainTimeoutMs } from './drain.ts';
import { serverTitle } from './names.ts';
import { amountOf } from './quantity.ts';
import type { Server as Asked } from './target.ts';
import { runMountPath } from './volumes.ts';

type Server = SidecarConfigInput['servers'][number];
type Parts = { spec: V1PodSpec; workload: string; drainPath: string; namespace: string };

export const configOf = (servers: readonly Asked[], parts: Parts): SidecarConfigInput => ({
  version: CONFIG_VERSION,
  adminPort: servers[0]!.request['admin-port'],
  drain: { path: parts.drainPath, timeoutMs: drainTimeoutMs(parts.spec) },
  servers: servers.map((each) => serverConfigOf(each, parts)),
});

function serverConfigOf({ request, target }: Asked, parts: Parts): Server {
  const { 'allow-tools': allowTools, 'deny-tools': denyTools, mode, audit } = request;
  return {
    name: serverTitle(parts.workload, request.server?.name),
    listenPort: request['listen-port'],
    upstream: isStdio(request)
      ? stdioUpstreamOf(request, containerOf(target, parts))
      : upstreamOf(request, target, containerOf(target, parts)),
    ...edgeOf(request),
    auth: authConfigOf(request, parts),
    ...outboundOf(request, containerOf(target, parts)),
    filter: { ...(allowTools && { allowTools }), ...(denyTools && { denyTools }), mode },
    ...(request.policy && {
      policy: { source: `configmap/${request.policy}`, ...directoryOf(request, 'policy') },
    }),
    ...(request.authorization === 'kubernetes' && { authorization: { mode: 'kubernetes' } }),
    ...pinsOf(request, containerOf(target, parts)),
    ...(request.mask === 'default' && { mask: 'default' }),
    audit,
  };
}

/** The image tells a changed server from another one. */
const pinsOf = (request: InjectionRequest, container: V1Container | undefined): Partial<Server> =>
  request.pins === undefined
    ? {}
    : {
        ...(container?.image && request.upstream?.host === undefined && { image: container.image }),
        pins: { source: `configmap/${request.pins}`, ...directoryOf(request, 'pins') },
      };

const containerOf = ({ container }: Asked['target'], { spec }: Parts): V1Container | undefined =>
  spec.containers.find(({ name }) => name === container);

function upstreamOf(
  request: InjectionRequest,
  { port = request.upstream?.port ?? 0 }: Asked['target'],
  container: V1Container | undefined,
): Server['upstream'] {
  const { 'request-timeout': requestTimeoutMs } = request;
  const transport = request.transport as HttpTransport;
  const { 'upstream-headers-secret': secret, 'upstream-headers-volume': volume } = request;
  return {
    transport,
    ...elsewhereOf(request, container),
    port,
    path: pathOf(request),
    ...(transport === 'auto' && hasNoPath(request) && { ssePath: SSE_PATH }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
    ...(request['forward-headers'] && { forwardHeaders: request['forward-headers'] }),
    ...((secret ?? volume) && { headers: sourceOf({ secret, volume }, request, 'upstreamHeaders') }),
    ...tokenOf(request),
  };
}

const hasNoPath = ({ path, upstream }: InjectionRequest): boolean =>
  path === undefined && upstream?.path === undefined;

type HttpTransport = Exclude<InjectionRequest['transport'], 'stdio'>;

/** What is not written down has the sidecar's default. */
function stdioUpstreamOf(request: InjectionRequest, container: V1Container | undefined): Server['upstream'] {
  const { 'stdio-sessions': sessions, 'stdio-modern': modern, 'stdio-env': env } = request;
  const { 'stdio-idle-seconds': idleSeconds, 'max-stdio-processes': maxProcesses } = request;
  const { 'request-timeout': requestTimeoutMs } = request;
  const memoryBytes = amountOf(container?.resources?.limits?.['memory']);
  return {
    transport: 'stdio',
    runDirectory: runMountPath(request.server?.name),
    ...(sessions && { sessions }),
    ...(modern && { modern }),
    ...(env && { env }),
    ...(idleSeconds !== undefined && { idleSeconds }),
    ...(maxProcesses !== undefined && { maxProcesses }),
    ...(memoryBytes !== undefined && memoryBytes >= 1 && { memoryBytes: Math.floor(memoryBytes) }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  };
}

/** What is not written down has the sidecar's default. */
function edgeOf(request: InjectionRequest): Partial<Server> {
  const limits = limitsOf(request);
  return {
    ...(request['tls-secret'] && {
      tls: { source: `secret/${request['tls-secret']}`, ...directoryOf(request, 'tls') },
    }),
    ...(request['public-url'] && { publicUrl: request['public-url'] }),
    ...(request['allowed-hosts'] && { allowedHosts: request['allowed-hosts'] }),
    ...(request['allowed-origins'] && { allowedOrigins: request['allowed-origins'] }),
    ...(request['trusted-proxies'] && { trustedProxies: request['trusted-proxies'] }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

/** One caller gets a quarter, but never less than what it has by default. */
const SMALLEST_SHARE = 128;
const shareOf = (all: number): number => Math.min(all, Math.max(SMALLEST_SHARE, Math.ceil(all / 4)));
/** Connections beside those of calls and streams. */
const IDLE_CONNECTIONS =
  DEFAULT_LIMITS.connections - DEFAULT_LIMITS.requestsInFlight - DEFAULT_LIMITS.streams;

function limitsOf(request: InjectionRequest): NonNullable<Server['limits']> {
  const { 'max-requests-in-flight': requestsInFlight, 'max-streams': streams } = request;
  if (!requestsInFlight && !streams) return {};
  const calls = requestsInFlight ?? DEFAULT_LIMITS.requestsInFlight;
  const listening = streams ?? DEFAULT_LIMITS.streams;
  return {
    ...(requestsInFlight && { requestsInFlight, requestsInFlightPerPrincipal: shareOf(requestsInFlight) }),
    ...(streams && { streams, streamsPerPrincipal: shareOf(streams) }),
    connections: calls + listening + IDLE_CONNECTIONS,
  };
}
