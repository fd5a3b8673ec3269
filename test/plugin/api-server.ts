/** A server that answers like an API server: a Status for all that it has no answer for. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Answer {
  readonly code: number;
  readonly body: unknown;
}

export interface ApiServer {
  readonly url: string;
  readonly requests: { method: string; path: string; headers: [string, string][] }[];
}

export const status = (code: number, reason: string, message: string): Answer => ({
  code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
});

export async function startApiServer(
  t: TestContext,
  answer: (path: string, request: IncomingMessage) => Answer | undefined,
): Promise<ApiServer> {
  const requests: ApiServer['requests'] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const raw = request.rawHeaders;
    const headers = raw.flatMap((name, index): [string, string][] =>
      index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1]!]] : [],
    );
    requests.push({ method: request.method ?? '', path, headers });
    const { code, body } =
      answer(path, request) ?? status(404, 'NotFound', 'the server could not find the requested resource');
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
