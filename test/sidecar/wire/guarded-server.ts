/** Stands before a server, as its authorization does: a request without a token of the audience gets 401. */
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { TestProvider } from '../../rig/oidc-provider.ts';

export const AUDIENCE = 'https://tools.example.com';

export interface GuardedServer {
  readonly port: number;
  readonly seen: { readonly subject: string; readonly token: string; readonly method: string }[];
  /** What must not be: a call that says another caller than its token, a session that another subject uses. */
  readonly crossed: string[];
  /** Tokens that are not taken any more. */
  readonly revoked: Set<string>;
  subjects(method: string): string[];
}

export async function guard(
  provider: TestProvider,
  backendPort: number,
  stops: (() => void)[],
): Promise<GuardedServer> {
  const seen: GuardedServer['seen'] = [];
  const crossed: string[] = [];
  const revoked = new Set<string>();
  const sessions = new Map<string, string>();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const key = createLocalJWKSet({
      keys: provider.keys.map(({ kty, n, e, kid }) => ({ kty, n, e, kid })) as never,
    });
    const verified = revoked.has(token)
      ? undefined
      : await jwtVerify(token, key, { audience: AUDIENCE, issuer: provider.issuer }).catch(() => undefined);
    if (!verified) return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    const subject = verified.payload.sub ?? '';
    const message = body.length > 0 ? JSON.parse(body.toString()) : {};
    seen.push({ subject, token, method: message.method ?? request.method });
    const who = message.params?.arguments?.who ?? message.params?.arguments?.message;
    if (who !== undefined && who !== subject)
      crossed.push(`a call of ${who} came with the token of ${subject}`);
    const session = String(
      request.headers['mcp-session-id'] ??
        new URL(`http://h${request.url}`).searchParams.get('sessionId') ??
        '',
    );
    const owner = sessions.get(session);
    if (owner !== undefined && owner !== subject)
      crossed.push(
        `${message.method ?? request.method} on the session of ${owner} came with the token of ${subject}`,
      );
    const there = send({
      port: backendPort,
      host: '127.0.0.1',
      method: request.method,
      path: request.url,
      headers: request.headers,
      agent: false,
    });
    there
      .on('error', () => response.destroy())
      .on('response', (answer) => {
        const id = answer.headers['mcp-session-id'];
        if (typeof id === 'string') sessions.set(id, subject);
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.flushHeaders();
        answer.on('data', (part: Buffer) => {
          const named = /sessionId=([\w-]+)/.exec(part.toString())?.[1];
          if (named !== undefined && !sessions.has(named)) sessions.set(named, subject);
          response.write(part);
        });
        answer.on('end', () => response.end()).on('error', () => response.destroy());
      });
    response.on('close', () => there.destroy());
    there.end(body);
  }

  const server = createServer(
    (request, response) => void serve(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    crossed,
    revoked,
    subjects: (method) => [
      ...new Set(seen.filter((each) => each.method === method).map(({ subject }) => subject)),
    ],
  };
}
