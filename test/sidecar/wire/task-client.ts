/** Requests about tasks as clients of either era write them. */
import {
  modernHeaders,
  modernRequest,
  postModern,
  type ModernAnswer,
  type ModernOptions,
} from './modern-meta.ts';
import { HEADERS, post, type Sent } from './post.ts';
import { SseSplitter } from '../../../sidecar/sse.ts';
import { waitFor } from './wait-for.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- results are compared as a whole or in a field
export type Json = any;

export const EXTENSION = 'io.modelcontextprotocol/tasks';
const CAPABILITIES = { elicitation: {}, extensions: { [EXTENSION]: {} } };

export interface TaskClient {
  send(method: string, params: object, options?: ModernOptions): Promise<ModernAnswer>;
  call(name: string, args?: object): Promise<Json>;
  get(taskId: string): Promise<Json>;
  until(taskId: string, status: string): Promise<Json>;
}

/** Of 2026-07-28, with the extension. */
export function taskClient(url: string, headers: Record<string, string> = {}): TaskClient {
  const send = (method: string, params: object, options: ModernOptions = {}): Promise<ModernAnswer> => {
    const { taskId } = params as { taskId?: string };
    const named: Record<string, string> = taskId === undefined ? {} : { 'mcp-name': taskId };
    return postModern(
      url,
      method,
      { ...params },
      {
        capabilities: CAPABILITIES,
        ...options,
        headers: { ...headers, ...named, ...options.headers },
      },
    );
  };
  const get = async (taskId: string): Promise<Json> => (await send('tasks/get', { taskId })).last;
  return {
    send,
    call: async (name, args = {}) => (await send('tools/call', { name, arguments: args })).last.result,
    get,
    until: (taskId, status) =>
      waitFor(`the task to be ${status}`, async () => {
        const { result } = await get(taskId);
        return result?.status === status && result;
      }),
  };
}

/** What a stream that tells of these tasks has said so far. */
export async function listenToTasks(
  url: string,
  taskIds: readonly string[],
  headers: Record<string, string>,
): Promise<{ readonly messages: Json[]; readonly close: () => void }> {
  const method = 'subscriptions/listen';
  const abort = new AbortController();
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, ...modernHeaders(method, {}), ...headers },
    body: JSON.stringify(
      modernRequest(method, { notifications: { taskIds } }, { id: 'l', capabilities: CAPABILITIES }),
    ),
    signal: abort.signal,
  });
  const messages: Json[] = [];
  const splitter = new SseSplitter();
  void (async () => {
    for await (const chunk of response.body!)
      for (const frame of splitter.push(Buffer.from(chunk))) {
        const data = frame.data();
        if (data) messages.push(JSON.parse(data.toString()));
      }
  })().catch(() => undefined);
  return { messages, close: () => abort.abort() };
}

export interface LegacyTaskClient {
  readonly headers: Record<string, string>;
  send(method: string, params?: object): Promise<Json>;
}

/** Of 2025-11-25, on a session. */
export async function legacyTaskClient(
  url: string,
  headers: Record<string, string> = {},
): Promise<LegacyTaskClient> {
  let id = 0;
  const initialize = {
    jsonrpc: '2.0',
    id: id++,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {}, tasks: {} },
      clientInfo: { name: 'tasks', version: '1' },
    },
  };
  const opened = await post(url, initialize, headers);
  const own = { ...headers, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, own);
  return {
    headers: own,
    send: async (method, params = {}) =>
      lastMessage(await post(url, { jsonrpc: '2.0', id: id++, method, params }, own)),
  };
}

const lastMessage = ({ body }: Sent): Json =>
  JSON.parse(body.startsWith('{') ? body : (/.*data: (.*)/s.exec(body.trimEnd())?.[1] ?? 'null'));
