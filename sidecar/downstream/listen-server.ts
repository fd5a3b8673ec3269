import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { ClientTls } from '../auth/authenticator.ts';
import { sendJson } from '../admin.ts';
import { METADATA_PATH, type ProtectedResource } from '../auth/protected-resource.ts';
import type { ServerConfig } from '../config.ts';
import { compileTrustedProxies } from '../edge/client-address.ts';
import type { CrossSite } from '../edge/cross-site.ts';
import { requestTargetProblem } from '../edge/request-form.ts';
import type { FollowedPair } from '../edge/tls.ts';
import type { Faults } from '../faults.ts';
import type { Log } from '../log.ts';
import { REASONS, refusalBody, refuse, type Refusal } from '../reasons.ts';
import { answerMetadata } from './answer-metadata.ts';
import { clientFault, FAULTS, rawAnswer, type Fault } from './client-faults.ts';
import { createConnection, type Connection } from './connection.ts';
import type { PodLoad } from './limits.ts';
import { listenPaths } from './listen-paths.ts';
import { endAndLinger, lingerWhenAnswered } from './linger.ts';
import type { McpHandler } from './mcp-handler.ts';
import { createSseClients, MESSAGES_PATH, SSE_PATH, type SseClients } from './sse-clients.ts';

export interface ListenServerDeps {
  readonly handle: McpHandler;
  readonly crossSite: CrossSite;
  /** Where callers have tokens of an OpenID provider. */
  readonly resource?: ProtectedResource | undefined;
  readonly healthStatus: () => 'healthy' | 'degraded';
  /** Connections that carried an MCP request. */
  readonly clients: Set<object>;
  /** Where the pod has several servers. */
  readonly podLoad?: PodLoad;
  readonly faults: Pick<Faults, 'report'>;
  readonly log: Log;
  readonly timeouts?: ListenTimeouts;
  /** Where callers show client certificates. */
  readonly clientTls?: ClientTls;
}

export interface ListenTimeouts {
  /** From the first byte of a request, or from the start of the connection, to the end of the headers. */
  readonly headersMs: number;
  /** To the end of the body. */
  readonly requestMs: number;
  /** How often it is looked at. */
  readonly checkMs: number;
}

export interface ListenServer {
  readonly http: Server | TlsServer;
  readonly tls: FollowedPair | undefined;
  connections(): number;
  /** For the metadata of the protected resource, found or not. */
  metadataRequests(): number;
  readonly faults: Readonly<Record<Fault, number>>;
  close(): void;
}

const TIMEOUTS: ListenTimeouts = { headersMs: 10_000, requestMs: 60_000, checkMs: 2_000 };
/** Longer than any client keeps a connection idle, so that it is the client who closes. */
const KEEP_ALIVE_MS = 75_000;
/** Tokens and sealed sessions are up to 8 KiB each, and rarely that. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Clients must not pipeline calls (RFC 9112 section 9.3.2), and hardly any does. */
const MAX_PIPELINED = 8;

/** The port that clients reach a server at: what is no proper request to its MCP endpoint ends here. Binds nothing. */
export async function createListenServer(
  server: ServerConfig,
  deps: ListenServerDeps,
): Promise<ListenServer> {
  const { handle, crossSite, resource, healthStatus, clients, podLoad, log, timeouts = TIMEOUTS } = deps;
  const proxies = server.trustedProxies.length > 0 ? compileTrustedProxies(server.trustedProxies) : undefined;
  const faults = Object.fromEntries(FAULTS.map((each) => [each, 0])) as Record<Fault, number>;
  const known = new WeakMap<Socket, Connection>();
  const paths = listenPaths(server);
  let connections = 0;
  let metadataRequests = 0;
  const report = (error: unknown): void => deps.faults.report(error);

  function connectionOf(socket: Socket): Connection {
    let connection = known.get(socket);
    if (!connection) known.set(socket, (connection = createConnection(socket, proxies)));
    return connection;
  }

  function drop(connection: Connection, socket: Socket, fault: Fault): void {
    connection.ended = true;
    faults[fault]++;
    socket.destroy();
  }

  function answerAlone(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
    const body = refusalBody(refusal);
    if (!request.complete) {
      connectionOf(request.socket).ended = true;
      lingerWhenAnswered(request.socket);
    }
    response.writeHead(REASONS[refusal.reason].status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...refusal.headers,
      ...(request.complete ? {} : { connection: 'close' }),
    });
    response.end(body);
  }

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket, url = '', method } = request;
    const connection = connectionOf(socket);
    // Whatever came behind a request that ended the connection.
    if (connection.ended) return;
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    const isMcp = paths.includes(path);
    if (connection.occupants.length >= (isMcp ? MAX_PIPELINED : 1))
      return drop(connection, socket, 'pipelined');
    const problem = requestTargetProblem(url);
    if (problem) return answerAlone(request, response, problem);
    if (isMcp) {
      if (request.headers.origin !== undefined && crossSite.answer(request, response)) return;
      if (!clients.has(socket)) {
        clients.add(socket);
        socket.once('close', () => clients.delete(socket));
      }
      return handle(request, response, path, connection);
    }
    if ((path === SSE_PATH && method === 'GET') || (path === MESSAGES_PATH && method === 'POST')) {
      if (request.headers.origin !== undefined && crossSite.answer(request, response)) return;
      return path === SSE_PATH
        ? sseClients().open(request, response, connection)
        : sseClients().message(request, response, connection);
    }
    if (method === 'GET' && path === '/health') return sendJson(response, { status: healthStatus() });
    if (method === 'GET' && path === '/ready') return sendJson(response, { status: 'ready' });
    if (path.startsWith(METADATA_PATH)) {
      metadataRequests++;
      const refusal = answerMetadata(request, response, { path, resource, judgeHost: crossSite.judgeHost });
      if (refusal?.reason !== 'path-unknown') return refusal && answerAlone(request, response, refusal);
    }
    answerAlone(request, response, refuse('path-unknown', `this is ${paths.join(' or ')}`));
  }

  let madeSseClients: SseClients | undefined;
  const sseClients = (): SseClients => (madeSseClients ??= createSseClients(handle, answerAlone, report));

  function onClientError(error: Error & { code?: string; reason?: string }, socket: Socket): void {
    const connection = connectionOf(socket);
    if (connection.ended) return;
    const { fault, refusal } = clientFault(error);
    const [first, second] = connection.occupants;
    if (!refusal || !socket.writable) return drop(connection, socket, fault);
    if (!first) {
      connection.ended = true;
      faults[fault]++;
      socket.write(rawAnswer(refusal));
      return endAndLinger(socket);
    }
    // With answers outstanding, one of our own would be taken for theirs.
    if (second || !first.fail(refusal)) return drop(connection, socket, fault);
    faults[fault]++;
  }

  const options: ServerOptions = {
    insecureHTTPParser: false,
    requireHostHeader: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: timeouts.checkMs,
  };
  const { http, tls } = server.tls
    ? // TLS takes some megabytes.
      await (
        await import('../edge/tls-server.ts')
      ).createTlsServer(server.tls, {
        options,
        log,
        clientTls: deps.clientTls,
      })
    : { http: createServer(options), tls: undefined };
  http.maxConnections = server.limits.connections;
  http
    .on('request', onRequest)
    // The client waits for a word before it sends the body, and gets it when the body is wanted.
    .on('checkContinue', onRequest)
    .on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      answerAlone(request, response, refuse('expectation-unknown')),
    )
    .on('clientError', onClientError)
    .on('connect', (request: IncomingMessage, socket: Socket) => {
      connectionOf(socket).ended = true;
      faults['bad-request']++;
      // Node has let go of the socket: an error that nobody listens for would end the process.
      socket.on('error', () => undefined);
      socket.write(rawAnswer(refuse('method-not-allowed')));
      endAndLinger(socket);
    })
    .on('drop', () => void faults['too-many']++)
    .on('connection', (socket: Socket) => {
      if (podLoad && podLoad.connections >= podLoad.most.connections) {
        faults['too-many']++;
        socket.destroy();
        return;
      }
      connections++;
      if (podLoad) podLoad.connections++;
      socket.once('close', () => {
        connections--;
        if (podLoad) podLoad.connections--;
      });
    });
  return {
    http,
    tls,
    faults,
    connections: () => connections,
    metadataRequests: () => metadataRequests,
    close: () => tls?.close(),
  };
}
