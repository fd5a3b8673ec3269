/** A legacy server whose tool `ask` asks its client before it answers: the answer is what it was told. `hold`: never. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface AskingServer {
  readonly port: number;
  /** Ids of requests that were cancelled. */
  readonly cancelled: unknown[];
  /** Names and versions of the clients that opened sessions. */
  readonly sessions: Map<string, { name: string; capabilities: object }>;
  /** Answers of clients, by the id of the question. */
  readonly told: Map<string, Told>;
  /** Calls of which the answer is still to come. */
  running(): number;
  /** The server has waited for long enough: the calls that ask end with an error. */
  giveUp(): void;
  /** Forgets its sessions, as a restart would. */
  forget(): void;
  stop(): Promise<void>;
}

interface Told {
  readonly result?: { readonly content?: { readonly answer?: string }; readonly action?: string };
  readonly error?: { readonly code: number };
}
interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly question?: string; readonly times?: number; readonly hold?: boolean };
    readonly requestId?: unknown;
    readonly clientInfo?: { readonly name: string };
    readonly capabilities?: object;
  };
}

export async function startAskingServer(): Promise<AskingServer> {
  const sessions: AskingServer['sessions'] = new Map();
  const told = new Map<string, Told>();
  const cancelled: unknown[] = [];
  const waiting = new Map<string, (answer: Told | undefined) => void>();
  let calls = 0;
  let asked = 0;
  const http = createServer((request, response) => void serve(request, response));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => '');
    if (request.method === 'GET') return void response.writeHead(405).end();
    const session = String(request.headers['mcp-session-id'] ?? '');
    if (request.method === 'DELETE')
      return void response.writeHead(sessions.delete(session) ? 200 : 404).end();
    const message = JSON.parse(body) as Message & Told;
    if (message.method === 'server/discover')
      return send(response, 400, message, { error: { code: -32000, message: 'no session' } });
    if (message.method === 'initialize') return open(message, response);
    if (!sessions.has(session))
      return send(response, 404, message, { error: { code: -32001, message: 'Session not found' } });
    if (message.method === undefined) {
      const id = String(message.id);
      told.set(id, message);
      waiting.get(id)?.(message);
      return void response.writeHead(202).end();
    }
    if (message.method === 'notifications/cancelled') cancelled.push(message.params?.requestId);
    if (message.id === undefined) return void response.writeHead(202).end();
    if (message.method === 'tools/list') {
      const schema = { type: 'object' };
      return send(response, 200, message, { result: { tools: [{ name: 'ask', inputSchema: schema }] } });
    }
    if (message.method === 'tools/call') return call(message, response);
    send(response, 200, message, { result: {} });
  }

  function open(message: Message, response: ServerResponse): void {
    const id = `session-${sessions.size + 1}-${Math.random()}`;
    const { clientInfo, capabilities = {} } = message.params ?? {};
    sessions.set(id, { name: clientInfo?.name ?? '', capabilities });
    response.setHeader('mcp-session-id', id);
    const result = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'asking', version: '1' },
    };
    send(response, 200, message, { result });
  }

  async function call(message: Message, response: ServerResponse): Promise<void> {
    calls++;
    response.on('close', () => calls--);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (value: object): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
    const { question = '', times = 1, hold = false } = message.params?.arguments ?? {};
    if (hold) return response.flushHeaders();
    const answers: string[] = [];
    for (let round = 0; round < times; round++) {
      const id = `q${++asked}`;
      const params = { message: question, requestedSchema: { type: 'object', properties: {} } };
      event({ jsonrpc: '2.0', id, method: 'elicitation/create', params });
      const answer = await new Promise<Told | undefined>((resolve) => waiting.set(id, resolve));
      waiting.delete(id);
      if (!answer) {
        event({ jsonrpc: '2.0', id: message.id, error: { code: -32001, message: 'Request timed out' } });
        return void response.end();
      }
      answers.push(answer.result?.content?.answer ?? answer.result?.action ?? `error ${answer.error?.code}`);
    }
    const content = [{ type: 'text', text: `${question}: ${answers.join(', ')}` }];
    event({ jsonrpc: '2.0', id: message.id, result: { content } });
    response.end();
  }

  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    port: (http.address() as AddressInfo).port,
    cancelled,
    sessions,
    told,
    running: () => calls,
    giveUp() {
      for (const resolve of waiting.values()) resolve(undefined);
    },
    forget: () => sessions.clear(),
    async stop() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

function send(response: ServerResponse, status: number, { id = null }: { id?: unknown }, rest: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
}
