import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hostName, isLoopbackHost } from './edge/host.ts';
import { PROBE_PATH, type ProbeRelay } from './probe-relay.ts';

export interface AdminDeps {
  readonly drainPath: string;
  readonly draining: () => boolean;
  readonly drain: () => Promise<{ readonly callsLeft: number }>;
  readonly healthStatus: () => 'healthy' | 'degraded';
  readonly healthDetails: () => unknown;
  /** The tools of each server as it has them now. */
  readonly definitions: () => Promise<unknown>;
  readonly metrics: () => string;
  readonly probe?: ProbeRelay;
}

/** Probes and scrapers come one by one. */
const MAX_CONNECTIONS = 128;
const OPTIONS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
};

/** The admin port: probes, metrics and the drain path; details of health for peers on the loopback alone. */
export function createAdminServer(deps: AdminDeps): Server {
  /** In the order in which they came. The oldest makes room: a probe must get through, however many hold on. */
  const connections = new Set<Socket>();
  const server = createServer(OPTIONS, (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, 405, 'text/plain', 'use GET\n');
    switch (path) {
      case '/livez':
        return send(response, 200, 'text/plain', 'ok\n');
      case '/readyz':
        // Follows the sidecar and never the server: the pod may serve more than MCP.
        return deps.draining()
          ? send(response, 503, 'text/plain', 'draining\n')
          : send(response, 200, 'text/plain', 'ok\n');
      case '/health':
        return sendJson(
          response,
          isOfThisMachine(request) ? deps.healthDetails() : { status: deps.healthStatus() },
        );
      case '/definitions':
        if (!isOfThisMachine(request)) break;
        return void deps.definitions().then(
          (value) => sendJson(response, value),
          (error: Error) => send(response, 503, 'text/plain', `${error.message}\n`),
        );
      case '/metrics':
        return send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', deps.metrics());
      case deps.drainPath:
        // The kubelet waits for this one for minutes, and nobody else knows the path.
        connections.delete(request.socket);
        deps.drain().then(
          (result) => sendJson(response, result),
          (error: Error) => send(response, 500, 'text/plain', `${error.message}\n`),
        );
        return;
    }
    const key = path?.startsWith(PROBE_PATH) ? path.slice(PROBE_PATH.length) : '';
    const probed = deps.probe?.(key, { userAgent: request.headers['user-agent'], until: response });
    if (!probed) return send(response, 404, 'text/plain', 'not found\n');
    return void probed.then(({ status, text }) => send(response, status, 'text/plain', `${text}\n`));
  });
  return server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    if (connections.size <= MAX_CONNECTIONS) return;
    for (const oldest of connections) return void oldest.destroy();
  });
}

/** The peer, and the name that it believes to ask: a web page may have made its own name lead to a port-forward. */
const isOfThisMachine = ({ socket, headers }: IncomingMessage): boolean =>
  /^(::1$|(::ffff:)?127\.)/.test(socket.remoteAddress ?? '') && isLoopbackHost(hostName(headers.host) ?? '');

export function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, 'application/json', `${JSON.stringify(value)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
