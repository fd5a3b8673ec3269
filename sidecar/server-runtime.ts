import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { sendJson } from './admin.ts';
import { createAudit } from './audit/audit.ts';
import type { LineWriter } from './audit/line-writer.ts';
import type { PodFacts } from './audit/record.ts';
import { createAuthentication } from './auth/authentication.ts';
import { anonymousAuthenticator, type Authenticator } from './auth/authenticator.ts';
import { endRevoked } from './auth/end-revoked.ts';
import { originCheck } from './auth/origin.ts';
import { LISTEN_PATH, MOUNT, type ServerConfig } from './config.ts';
import { editedReply } from './downstream/edited-reply.ts';
import type { InFlight } from './downstream/in-flight.ts';
import { createMcpHandler } from './downstream/mcp-handler.ts';
import { createToolFilter } from './filter/tool-filter.ts';
import { createToolRules } from './filter/tool-rules.ts';
import { isHealthy, type ServerHealthSource } from './health.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
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

export interface ServerRuntime extends ServerHealthSource {
  readonly http: Server;
  readonly port: number;
  close(): void;
}

export interface RuntimeDeps extends SidecarDeps {
  readonly inFlight: InFlight;
  readonly metrics: Metrics;
  readonly clients: Set<object>;
}

/** How long after its end a credential may keep a stream open at most. */
const SWEEP_MS = 5_000;

/** Puts the three rooms of one server together, and its listen port. Binds nothing. */
export async function createServerRuntime(server: ServerConfig, deps: RuntimeDeps): Promise<ServerRuntime> {
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
  const authenticator = await createAuthenticator(server, deps, () => sweep());
  const sweep = (): void => {
    const ended = endRevoked(deps.inFlight, server, authenticator);
    if (ended > 0) deps.log('streams_revoked', { server: name, streams: ended });
  };
  const sweeper = server.auth.mode === 'none' ? undefined : setInterval(sweep, SWEEP_MS).unref();
  const rules = await createToolRules(server, deps);
  const passes = [
    originCheck,
    createAuthentication(authenticator, sessions),
    ...rules.gates,
    ...(rules.any ? [createToolFilter(rules.decide, catalogue, lookUpTool(pool))] : []),
    ...(server.audit === 'stdout' ? [createAudit(deps.pod, deps.audit)] : []),
    deps.metrics.pass,
  ];
  const handle = createMcpHandler(server, {
    policy: createPolicy(passes, editedReply),
    upstream: createStreamableHttp(pool, sessions, catalogue),
    inFlight: deps.inFlight,
    log: deps.log,
  });
  const source = {
    name,
    catalogue: catalogue.state,
    decide: rules.decide,
    authProblem: authenticator.notReady,
    ...(rules.policy ? { policy: rules.policy } : {}),
  };
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
      clearInterval(sweeper);
      authenticator.close();
      rules.close();
      pool.close();
    },
  };
}

async function createAuthenticator(
  { auth }: ServerConfig,
  { apiServer, log }: SidecarDeps,
  revoked: () => void,
): Promise<Authenticator> {
  if (auth.mode === 'none') return anonymousAuthenticator;
  if (auth.mode === 'token') {
    const { createStaticTokens } = await import('./auth/static-tokens.ts');
    return createStaticTokens(auth, { log, revoked });
  }
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
