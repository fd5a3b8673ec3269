import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface AdminDeps {
  readonly drainPath: string;
  readonly draining: () => boolean;
  readonly drain: () => Promise<{ readonly callsLeft: number }>;
  readonly healthStatus: () => 'healthy' | 'degraded';
  readonly healthDetails: () => unknown;
  readonly metrics: () => string;
}

/** The admin port: probes, metrics and the drain path; details of health for peers on the loopback alone. */
export function createAdminServer(deps: AdminDeps): Server {
  return createServer((request, response) => {
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
          isLoopback(request) ? deps.healthDetails() : { status: deps.healthStatus() },
        );
      case '/metrics':
        return send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', deps.metrics());
      case deps.drainPath:
        deps.drain().then(
          (result) => sendJson(response, result),
          (error: Error) => send(response, 500, 'text/plain', `${error.message}\n`),
        );
        return;
      default:
        return send(response, 404, 'text/plain', 'not found\n');
    }
  });
}

const isLoopback = ({ socket }: IncomingMessage): boolean =>
  /^(::1$|(::ffff:)?127\.)/.test(socket.remoteAddress ?? '');

export function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, 'application/json', `${JSON.stringify(value)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
