/** Requests with headers and names that `fetch` does not let one write. */
import { type IncomingHttpHeaders, request as requestPlain, type RequestOptions } from 'node:http';
import { request as requestTls } from 'node:https';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

export interface Sent {
  readonly address: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
  /** TLS, under this name. */
  readonly tls?: { readonly ca: string; readonly servername: string };
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Serial number of the certificate that was served. */
  readonly serial?: string;
}

/** A connection of its own. */
export const send = ({ address, method = 'POST', headers, body, tls }: Sent): Promise<Got> =>
  new Promise((resolve, reject) => {
    const options: RequestOptions = {
      host: address,
      port: 80,
      path: '/mcp',
      method,
      agent: false,
      headers: {
        ...(body && {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        }),
        ...headers,
      },
      signal: AbortSignal.timeout(30_000),
    };
    const request = tls ? requestTls({ ...options, ...tls }) : requestPlain(options);
    request.on('error', reject).on('response', (response) => {
      const certificate = (response.socket as Partial<TLSSocket>).getPeerCertificate?.() as
        | DetailedPeerCertificate
        | undefined;
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: text,
          ...(certificate?.serialNumber && { serial: certificate.serialNumber }),
        }),
      );
    });
    request.end(body && JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }));
  });

export const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

/** A session of the 2025 revisions; what is sent in it. */
export async function openSession(
  at: Omit<Sent, 'body' | 'method'>,
): Promise<(body: object) => Promise<Got>> {
  const { headers } = await send({ ...at, body: INITIALIZE });
  const session = headers['mcp-session-id'];
  const more = {
    'mcp-protocol-version': '2025-11-25',
    ...(typeof session === 'string' && { 'mcp-session-id': session }),
  };
  // Servers tell the answers of one session apart by their ids.
  let id = 1;
  const sendIn = (body: object): Promise<Got> =>
    send({ ...at, headers: { ...at.headers, ...more }, body: { id: ++id, ...body } });
  await send({
    ...at,
    headers: {
      ...at.headers,
      ...more,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: { method: 'notifications/initialized', id: undefined },
  });
  return sendIn;
}
