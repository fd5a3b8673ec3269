/**
 * A server on a bare socket that keeps the rules, and breaks them towards clients as a test says. Towards the sidecar's
 * own session it keeps them, so that the sidecar goes on.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RawRequest {
  readonly method: string;
  readonly head: string;
  readonly body: string;
  readonly message?: RawMessage;
  /** What the answer is written to, as it shall be on the wire. */
  readonly socket: Socket;
  /** How many requests this connection has carried, this one included. */
  readonly nth: number;
}

export interface RawMessage {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown> };
}

export type Script = (request: RawRequest) => void;

export interface RawServer {
  readonly port: number;
  /** By the tool's name, by the method of other messages, or by the HTTP method: what a client's request meets. */
  readonly scripts: Map<string, Script>;
  /** The same for the sidecar's own requests. */
  readonly scriptsToSidecar: Map<string, Script>;
  /** Called as soon as the head of a client's request is there; true: the rest is not waited for. */
  atHead: ((head: string, socket: Socket) => boolean) | undefined;
  /** Of clients, in order. */
  readonly requests: RawRequest[];
  readonly connections: Set<Socket>;
  stop(): Promise<void>;
}

/** @param era that it speaks */
export async function startRawServer(port = 0, era: 'legacy' | 'modern' = 'legacy'): Promise<RawServer> {
  const scripts = new Map<string, Script>();
  const scriptsToSidecar = new Map<string, Script>();
  if (era === 'modern')
    scriptsToSidecar.set('server/discover', (request) =>
      result(request, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
    );
  const requests: RawRequest[] = [];
  const connections = new Set<Socket>();
  const net = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined).on('close', () => connections.delete(socket));
    let bytes = '';
    let nth = 0;
    let deaf = false;
    socket.on('data', (chunk) => {
      if (deaf) return;
      bytes += chunk.toString('latin1');
      for (;;) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = bytes.slice(0, end);
        if (!OF_SIDECAR.test(bytes) && server.atHead?.(head, socket)) return void (deaf = true);
        const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
        if (bytes.length < end + 4 + length) return;
        const body = bytes.slice(end + 4, end + 4 + length);
        bytes = bytes.slice(end + 4 + length);
        serve({ method: head.split(' ', 1)[0]!, head, body, socket, nth: ++nth });
      }
    });
  });

  function serve(given: Omit<RawRequest, 'message'>): void {
    const message = given.body === '' ? undefined : (JSON.parse(given.body) as RawMessage);
    const request: RawRequest = { ...given, ...(message ? { message } : {}) };
    const own = OF_SIDECAR.test(given.head + given.body);
    if (!own) requests.push(request);
    const key = message
      ? message.method === 'tools/call'
        ? (message.params?.name ?? '')
        : message.method
      : given.method;
    const script = (own ? scriptsToSidecar : scripts).get(key);
    if (script) script(request);
    else keepRules(request, own);
  }

  net.listen(port, '127.0.0.1');
  await once(net, 'listening');
  const server: RawServer = {
    port: (net.address() as AddressInfo).port,
    scripts,
    scriptsToSidecar,
    atHead: undefined,
    requests,
    connections,
    async stop() {
      for (const socket of connections) socket.destroy();
      if (!net.listening) return;
      net.close();
      await once(net, 'close');
    },
  };
  return server;
}

const OWN_SESSION = 'session-of-the-sidecar';
const OF_SIDECAR = new RegExp(`"id":"kubectl-mcp-|Mcp-Session-Id: ${OWN_SESSION}`);

function keepRules(request: RawRequest, own: boolean): void {
  const { message } = request;
  switch (message?.method ?? request.method) {
    case 'server/discover':
      return answer(
        request,
        400,
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}',
      );
    case 'initialize': {
      const session = own ? OWN_SESSION : 'session-of-a-client';
      return result(
        request,
        {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'raw', version: '1' },
        },
        `Mcp-Session-Id: ${session}\r\n`,
      );
    }
    case 'tools/list':
      return result(request, { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] });
    case 'tools/call':
      return result(request, {
        content: [{ type: 'text', text: String(message?.params?.arguments?.['marker']) }],
      });
    case 'GET':
      return answer(request, 405, '');
    default:
      return message?.id === undefined ? answer(request, 202, '') : result(request, {});
  }
}

export function result(request: RawRequest, value: unknown, headerLines = ''): void {
  answer(
    request,
    200,
    JSON.stringify({ jsonrpc: '2.0', id: request.message?.id, result: value }),
    headerLines,
  );
}

export function answer({ socket }: RawRequest, status: number, body: string, headerLines = ''): void {
  const type =
    body === '' || /^content-type:/im.test(headerLines) ? '' : 'Content-Type: application/json\r\n';
  socket.write(
    `HTTP/1.1 ${status} X\r\n${type}${headerLines}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The head of an event stream, and a function that sends a message in it. */
export function stream({ socket }: RawRequest): (text: string) => void {
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  return (text) => void socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

export const event = (message: unknown): string => `data: ${JSON.stringify(message)}\n\n`;
export const PROGRESS = event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
