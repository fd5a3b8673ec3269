/** Servers of each dialect whose tool `ask` asks its client the question that it is given, and answers with the answer. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { startAskingServer } from '../../sidecar/wire/asking-server.ts';

export interface Asking {
  readonly port: number;
  readonly path: string;
  readonly transport: 'streamable-http' | 'sse';
  stop(): Promise<void>;
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly arguments?: { readonly question?: string };
    readonly requestState?: string;
    readonly inputResponses?: Readonly<Record<string, Answer>>;
  };
  readonly result?: Answer;
}
interface Answer {
  readonly content?: { readonly answer?: string };
}

const TOOLS = { tools: [{ name: 'ask', inputSchema: { type: 'object' } }] };
const INFO = { name: 'asking', version: '1' };
const SERVER_INFO = { _meta: { 'io.modelcontextprotocol/serverInfo': INFO } };
const asks = (question: string) => ({
  method: 'elicitation/create',
  params: {
    message: question,
    requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } },
  },
});
const answered = (question: string, answer: Answer | undefined) => ({
  content: [{ type: 'text', text: `${question}: ${answer?.content?.answer}` }],
});

export async function sessionsServer(): Promise<Asking> {
  const { port, stop } = await startAskingServer();
  return { port, path: '/mcp', transport: 'streamable-http', stop };
}

/** 2024-11-05: a session is an event stream. */
export function sseServer(): Promise<Asking> {
  const streams = new Map<
    string,
    { tell(message: object): void; asked: Map<unknown, (answer: Message) => void> }
  >();
  return listening('/sse', 'sse', async (request, response) => {
    if (request.method === 'GET') {
      const id = randomUUID();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: /messages?session=${id}\n\n`);
      const tell = (message: object): void =>
        void response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
      streams.set(id, { tell, asked: new Map() });
      return;
    }
    const session = streams.get(
      new URL(request.url ?? '', 'http://localhost').searchParams.get('session') ?? '',
    );
    const message = await read(request);
    response.writeHead(session ? 202 : 404).end();
    const { id, method, params } = message;
    if (method === undefined) return session?.asked.get(id)?.(message);
    if (method === 'initialize') {
      const result = { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: INFO };
      return session?.tell({ id, result });
    }
    if (method === 'tools/list') return session?.tell({ id, result: TOOLS });
    if (method === 'tools/call') {
      const question = params?.arguments?.question ?? '';
      const own = randomUUID();
      session?.asked.set(own, ({ result }) => session.tell({ id, result: answered(question, result) }));
      return session?.tell({ id: own, ...asks(question) });
    }
    if (id !== undefined) session?.tell({ id, result: {} });
  });
}

/** 2026-07-28 alone: what it knows of a call is in the state that it gives away. */
export function modernServer(): Promise<Asking> {
  return listening('/mcp', 'streamable-http', async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const { id, method, params = {} } = await read(request);
    const complete = (result: object): void =>
      send(response, 200, { id, result: { resultType: 'complete', ...result } });
    const cached = { ttlMs: 0, cacheScope: 'private' };
    if (method === 'server/discover') {
      return complete({
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
        ...cached,
        ...SERVER_INFO,
      });
    }
    if (method === 'tools/list') return complete({ ...TOOLS, ...cached });
    if (method !== 'tools/call') {
      const error = {
        code: -32022,
        message: 'Unsupported protocol version',
        data: { supported: ['2026-07-28'] },
      };
      return send(response, 400, { id: id ?? null, error });
    }
    const question = params.arguments?.question ?? '';
    if (params.requestState === undefined) {
      const result = {
        resultType: 'input_required',
        inputRequests: { q: asks(question) },
        requestState: `of ${question}`,
      };
      return send(response, 200, { id, result });
    }
    // A state of another call would show.
    complete(answered(params.requestState.slice(3), params.inputResponses?.['q']));
  });
}

async function listening(
  path: string,
  transport: Asking['transport'],
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>,
): Promise<Asking> {
  const listener: RequestListener = (request, response) =>
    void serve(request, response).catch(() => response.destroy());
  const http = createServer(listener).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    port: (http.address() as AddressInfo).port,
    path,
    transport,
    async stop() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

const read = async (request: IncomingMessage): Promise<Message> => JSON.parse(await text(request)) as Message;

function send(response: ServerResponse, status: number, message: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
}
