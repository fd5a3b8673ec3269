import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createAdminServer, sendJson } from './admin.ts';
import { createAudit } from './audit/audit.ts';
import type { LineWriter } from './audit/line-writer.ts';
import type { PodFacts } from './audit/record.ts';
import { createAuthentication } from './auth/authentication.ts';
import { anonymousAuthenticator, type Authenticator } from './auth/authenticator.ts';
import { originCheck } from './auth/origin.ts';
import { createStaticTokens } from './auth/static-tokens.ts';
import { LISTEN_PATH, MOUNT, type ServerConfig, type SidecarConfig } from './config.ts';
import { editedReply } from './downstream/edited-reply.ts';
import { createInFlight, type InFlight } from './downstream/in-flight.ts';
import { createMcpHandler } from './downstream/mcp-handler.ts';
import { createDrain } from './drain.ts';
import { compileFilter } from './filter/decide-tool.ts';
import { createToolFilter } from './filter/tool-filter.ts';
import { healthDetails, isHealthy, type ServerHealthSource } from './health.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createPolicy } from './passes.ts';
import { REASONS, refusalBody, refuse } from './reasons.ts';
import { createSessions, KEY_BYTES } from './sessions.ts';
import { createCatalogue } from './upstream/catalogue.ts';
import { createHttpPool } from './upstream/http-pool.ts';
import { lookUpTool } from './upstream/look-up-tool.ts';
import { createStreamableHttp } from './upstream/streamable-http.ts';

export interface SidecarDeps {
  readonly pod: PodFacts & { readonly ip: string };
  /** From KUBERNETES_SERVICE_HOST and _PORT. */
  readonly apiServer?: { readonly host: string; readonly port: number };
  readonly audit: LineWriter;
  /** Events of the sidecar itself: name, and fields without secrets. */
  readonly log: Log;
}

export interface Sidecar {
  /** Resolves when every port is bound; the admin port last, so that a probe that succeeds means that all are. */
  listen(): Promise<void>;
  /** Waits for the calls under way, without the grace for endpoints: the preStop hook has given it. */
  close(timeoutMs: number): Promise<void>;
}

interface ServerRuntime extends ServerHealthSource {
  readonly http: Server;
  readonly port: number;
  close(): void;
}

export async function createSidecar(config: SidecarConfig, deps: SidecarDeps): Promise<Sidecar> {
  const inFlight = createInFlight();
  const metrics = createMetrics();
  const clients = new Set<object>();
  const servers = await Promise.all(
    config.servers.map((server) => createServerRuntime(server, { ...deps, inFlight, metrics, clients })),
  );
  const { drain } = createDrain(inFlight, {
    ...config.drain,
    closeIdleConnections: () => servers.forEach(({ http }) => http.closeIdleConnections()),
  });
  const admin = createAdminServer({
    drainPath: config.drain.path,
    draining: () => inFlight.draining,
    drain: () => {
      deps.log('drain_started', { calls: inFlight.calls() });
      return drain().then((result) => {
        deps.log('drain_ended', result);
        return result;
      });
    },
    healthStatus: () => (isHealthy(servers) ? 'healthy' : 'degraded'),
    healthDetails: () => healthDetails(servers, clients.size),
    metrics: () => metrics.render(gauges(servers, inFlight, clients.size, deps.audit)),
  });

  return {
    async listen() {
      for (const { http, port } of servers) await bind(http, port);
      await bind(admin, config.adminPort);
      deps.log('listening', {
        admin_port: config.adminPort,
        servers: servers.map(({ name, port }) => ({ name, port })),
      });
    },
    async close(timeoutMs) {
      inFlight.startDraining();
      const timer = setTimeout(() => servers.forEach(({ http }) => http.closeAllConnections()), timeoutMs);
      for (const { response } of inFlight.streams()) response.end();
      await Promise.all(servers.map(({ http }) => new Promise((resolve) => http.close(resolve))));
      clearTimeout(timer);
      admin.closeAllConnections();
      admin.close();
      for (const server of servers) server.close();
      await deps.audit.flush();
    },
  };
}

interface RuntimeDeps extends SidecarDeps {
  readonly inFlight: InFlight;
  readonly metrics: Metrics;
  readonly clients: Set<object>;
}

async function createServerRuntime(server: ServerConfig, deps: RuntimeDeps): Promise<ServerRuntime> {
  const { name, upstream: target } = server;
  const pool = createHttpPool({
    addresses: ['127.0.0.1', '::1', ...(deps.pod.ip ? [deps.pod.ip] : [])],
    port: target.port,
    path: target.path,
  });
  const catalogue = createCatalogue(pool, (state) => {
    deps.log(state.connected ? 'server_connected' : 'server_degraded', {
      server: name,
      era: state.era,
      error: state.error,
      tools: state.tools?.size,
    });
  });
  const sessions = createSessions(
    { uid: deps.pod.uid, address: `${deps.pod.ip}:${server.listenPort}` },
    sharedKey(),
  );
  const authenticator = await createAuthenticator(server, deps);
  const decide = compileFilter(server.filter);
  const passes = [
    originCheck,
    createAuthentication(authenticator, sessions),
    ...(decide ? [createToolFilter(decide, catalogue, lookUpTool(pool))] : []),
    ...(server.audit === 'stdout' ? [createAudit(deps.pod, deps.audit)] : []),
    deps.metrics.pass,
  ];
  const handle = createMcpHandler(server, {
    policy: createPolicy(passes, editedReply),
    upstream: createStreamableHttp(pool, sessions, catalogue),
    inFlight: deps.inFlight,
    log: deps.log,
  });
  const source = { name, catalogue: catalogue.state, decide, authProblem: authenticator.notReady };
  // Longer than any client keeps a connection idle, so that it is the client who closes.
  const http = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (path === LISTEN_PATH || path === target.path) {
      if (!deps.clients.has(request.socket)) {
        deps.clients.add(request.socket);
        request.socket.once('close', () => deps.clients.delete(request.socket));
      }
      return handle(request, response, path);
    }
    if (request.method === 'GET' && path === '/health')
      return sendJson(response, { status: isHealthy([source]) ? 'healthy' : 'degraded' });
    if (request.method === 'GET' && path === '/ready') return sendJson(response, { status: 'ready' });
    const unknown = refuse(
      'path-unknown',
      `this is ${LISTEN_PATH}${target.path === LISTEN_PATH ? '' : ` or ${target.path}`}`,
    );
    response.writeHead(REASONS[unknown.reason].status, { 'content-type': 'application/json' });
    response.end(refusalBody(unknown));
  });
  return {
    ...source,
    http,
    port: server.listenPort,
    close() {
      catalogue.close();
      authenticator.close();
      pool.close();
    },
  };
}

async function createAuthenticator(
  { auth }: ServerConfig,
  { apiServer }: SidecarDeps,
): Promise<Authenticator> {
  if (auth.mode === 'none') return anonymousAuthenticator;
  if (auth.mode === 'token') return createStaticTokens(auth);
  if (!apiServer)
    throw new Error('auth kubernetes needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT');
  // TLS and JOSE are a third of the sidecar's memory: loaded only where they are used.
  const [{ createKubernetesTokens }, { createClusterIssuer }] = await Promise.all([
    import('./auth/kubernetes-tokens.ts'),
    import('./auth/cluster-issuer.ts'),
  ]);
  return createKubernetesTokens(auth, createClusterIssuer(apiServer, auth.directory));
}

/** The key that replicas share, when there is one; a key of a wrong length stops the start. */
function sharedKey(): Buffer | undefined {
  const file = `${MOUNT.keys}/session`;
  if (!existsSync(file)) return undefined;
  const key = readFileSync(file);
  if (key.length !== KEY_BYTES) throw new Error(`${file} holds ${key.length} bytes, not ${KEY_BYTES}`);
  return key;
}

async function bind(server: Server, port: number): Promise<void> {
  server.listen(port);
  await once(server, 'listening');
}

function gauges(
  servers: readonly ServerRuntime[],
  inFlight: InFlight,
  activeClients: number,
  audit: LineWriter,
) {
  const perServer = (value: (server: ServerRuntime) => number) =>
    servers.map((server) => ({ labels: { server: server.name }, value: value(server) }));
  return [
    {
      name: 'kubectl_mcp_server_connected',
      help: 'Whether the server answers.',
      values: perServer(({ catalogue }) => Number(catalogue().connected)),
    },
    {
      name: 'kubectl_mcp_server_tools',
      help: 'Tools that the server has.',
      values: perServer(({ catalogue }) => catalogue().tools?.size ?? 0),
    },
    { name: 'kubectl_mcp_calls_in_flight', help: 'Calls under way.', values: [{ value: inFlight.calls() }] },
    {
      name: 'kubectl_mcp_streams',
      help: 'Open listen streams.',
      values: [{ value: inFlight.streams().length }],
    },
    {
      name: 'kubectl_mcp_active_clients',
      help: 'Connections that carried an MCP request.',
      values: [{ value: activeClients }],
    },
    {
      name: 'kubectl_mcp_audit_dropped_total',
      help: 'Audit lines lost.',
      type: 'counter' as const,
      values: [{ value: audit.dropped() }],
    },
  ];
}
