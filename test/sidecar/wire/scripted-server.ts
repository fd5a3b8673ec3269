/** A small MCP server, of the legacy era unless a test asks for the other, whose every answer a test can replace, and which records what reaches it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** The JSON-RPC message, when there is one. */
  readonly message?: {
    readonly id?: unknown;
    readonly method: string;
    readonly params?: Record<string, unknown>;
  };
  /** True once the client's side has ended the exchange before its answer was over. */
  cut: boolean;
}

export type Answer = (request: Recorded, response: ServerResponse) => void;

export interface ScriptedServer {
  readonly port: number;
  readonly requests: Recorded[];
  /** By JSON-RPC method, or by HTTP method for requests without a message. */
  readonly answers: Map<string, Answer>;
  /** The same for the sidecar's own requests. */
  readonly answersToSidecar: Map<string, Answer>;
  tools: unknown[];
  /** The requests of the clients under test: those of the sidecar itself are left out. */
  fromClients(): Recorded[];
  stop(): Promise<void>;
}

export const SESSION_ID = 'upstream-session-1';
/** Of the session that the sidecar opens for itself. */
const SIDECAR_SESSION_ID = 'session-of-the-sidecar';

export async function startScriptedServer(
  port = 0,
  era: 'legacy' | 'modern' = 'legacy',
): Promise<ScriptedServer> {
  const requests: Recorded[] = [];
  const answers = new Map<string, Answer>();
  const answersToSidecar = new Map<string, Answer>();
  const scripted = {
    requests,
    answers,
    answersToSidecar,
    tools: [tool('echo'), tool('secret')] as unknown[],
  };
  if (era === 'modern')
    answersToSidecar.set('server/discover', (request, response) =>
      sendResult(request, response, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
    );
  const http = createServer((request, response) => {
    void answer(request, response, scripted);
  });
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
  return Object.assign(scripted, {
    port: (http.address() as AddressInfo).port,
    fromClients: () => requests.filter((each) => !isOfSidecar(each)),
    stop: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  });
}

export const tool = (name: string, annotations?: object) => ({
  name,
  inputSchema: { type: 'object' },
  ...(annotations ? { annotations } : {}),
});

export function sendJson(
  response: ServerResponse,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

export const sendResult = ({ message }: Recorded, response: ServerResponse, result: unknown): void =>
  sendJson(response, { jsonrpc: '2.0', id: message?.id, result });

/** The head of an event stream goes out at once. */
export function startStream(response: ServerResponse): (message: unknown) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  return (message) => void response.write(`data: ${JSON.stringify(message)}\n\n`);
}

const isOfSidecar = ({ message, headers }: Recorded): boolean =>
  headers['mcp-session-id'] === SIDECAR_SESSION_ID || String(message?.id ?? '').startsWith('kubectl-mcp-');

type Script = Pick<ScriptedServer, 'requests' | 'answers' | 'answersToSidecar' | 'tools'>;

async function answer(request: IncomingMessage, response: ServerResponse, script: Script): Promise<void> {
  const body = await text(request).catch(() => '');
  const recorded: Recorded = {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body,
    ...(request.method === 'POST' ? { message: JSON.parse(body) as NonNullable<Recorded['message']> } : {}),
    cut: false,
  };
  response.on('close', () => (recorded.cut = !response.writableFinished));
  script.requests.push(recorded);
  const key = recorded.message ? (recorded.message.method ?? 'response') : recorded.method;
  const given = (isOfSidecar(recorded) ? script.answersToSidecar : script.answers).get(key);
  if (given) return given(recorded, response);
  defaultAnswer(key, recorded, response, script);
}

function defaultAnswer(key: string, recorded: Recorded, response: ServerResponse, { tools }: Script): void {
  switch (key) {
    case 'initialize':
      return sendJson(
        response,
        {
          jsonrpc: '2.0',
          id: recorded.message?.id,
          result: {
            protocolVersion: recorded.message?.params?.['protocolVersion'],
            capabilities: { tools: { listChanged: true } },
            serverInfo: { name: 'scripted', version: '1' },
          },
        },
        { 'mcp-session-id': isOfSidecar(recorded) ? SIDECAR_SESSION_ID : SESSION_ID },
      );
    case 'ping':
      return sendResult(recorded, response, {});
    case 'tools/list':
      return sendResult(recorded, response, { tools });
    case 'tools/call':
      return sendResult(recorded, response, { content: [{ type: 'text', text: 'done' }] });
    case 'GET':
      return void response.writeHead(405, { allow: 'POST, DELETE' }).end();
    case 'DELETE':
      return void response.writeHead(200).end();
    case 'server/discover':
      return void response
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}');
    default:
      return void response.writeHead(202).end();
  }
}
