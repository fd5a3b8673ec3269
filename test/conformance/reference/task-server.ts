/** A server of 2026-07-28 alone with the tasks extension, which no server SDK of TypeScript has. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { createTasks, type Task, type Tasks, type Work } from './task-store.ts';
import { TASK_TOOLS, type TaskTool } from './task-tools.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- messages are read as far as they are used
type Json = any;

export const TASKS = 'io.modelcontextprotocol/tasks';
const VERSION = '2026-07-28';
const PREFIX = 'io.modelcontextprotocol/';
const NAME_OF: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};
/** Never to be asked for by a task that nobody has. */
const NEVER: Work = { ask: () => Promise.reject(new Error('no task')), signal: new AbortController().signal };

class ProtocolError extends Error {
  readonly status: number;
  readonly code: number;
  readonly data: unknown;
  constructor(status: number, code: number, message: string, data?: unknown) {
    super(message);
    this.status = status;
    this.code = code;
    this.data = data;
  }
}

/** An HTTP server that is not listening yet. */
export function createTaskServer(): Server {
  const tasks = createTasks();
  return createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const message = (await json(request).catch(() => ({}))) as Json;
    if (message.id === undefined) return void response.writeHead(202).end();
    const answer = (status: number, rest: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...rest }));
    };
    try {
      checkHeaders(request, message);
      if (message.method === 'subscriptions/listen') return listen(message, response, tasks);
      answer(200, { result: await resultOf(message, tasks) });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const { status, code, data } = error;
      answer(status, { error: { code, message: error.message, ...(data ? { data } : {}) } });
    }
  });
}

function checkHeaders({ headers }: IncomingMessage, { method, params = {} }: Json): void {
  const version = params._meta?.[`${PREFIX}protocolVersion`];
  if (version === undefined) throw new ProtocolError(400, -32602, 'no protocol version');
  if (version !== VERSION)
    throw new ProtocolError(400, -32022, 'Unsupported protocol version', {
      supported: [VERSION],
      requested: version,
    });
  const named = NAME_OF[method];
  const expected = {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(named ? { 'mcp-name': params[named] } : {}),
  };
  for (const [name, value] of Object.entries(expected)) {
    // Clients leave it out on requests about tasks, where the extension wants it.
    if (name === 'mcp-name' && headers[name] === undefined && method.startsWith('tasks/')) continue;
    if (headers[name] !== value) throw new ProtocolError(400, -32020, `${name} is not what the body says`);
  }
}

const declares = ({ params }: Json): boolean =>
  params?._meta?.[`${PREFIX}clientCapabilities`]?.extensions?.[TASKS] !== undefined;

function mustDeclare(message: Json): void {
  if (declares(message)) return;
  const requiredCapabilities = { extensions: { [TASKS]: {} } };
  throw new ProtocolError(400, -32021, 'Missing required client capability', { requiredCapabilities });
}

async function resultOf(message: Json, tasks: Tasks): Promise<object> {
  const { method, params } = message;
  switch (method) {
    case 'server/discover':
      return {
        resultType: 'complete',
        supportedVersions: [VERSION],
        capabilities: { tools: {}, extensions: { [TASKS]: {} } },
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { [`${PREFIX}serverInfo`]: { name: 'task reference', version: '1.0.0' } },
      };
    case 'tools/list':
      return { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: TASK_TOOLS.map(listed) };
    case 'tools/call':
      return call(message, tasks);
    case 'tasks/get':
      return { resultType: 'complete', ...taskOf(message, tasks) };
    case 'tasks/update':
      tasks.update(taskOf(message, tasks), params.inputResponses ?? {});
      return { resultType: 'complete' };
    case 'tasks/cancel':
      tasks.cancel(taskOf(message, tasks));
      return { resultType: 'complete' };
    default:
      throw new ProtocolError(404, -32601, 'Method not found');
  }
}

const listed = ({ name, properties }: TaskTool) => ({
  name,
  description: name,
  inputSchema: { type: 'object', properties },
});

function taskOf(message: Json, tasks: Tasks): Task {
  mustDeclare(message);
  const task = tasks.find(message.params.taskId);
  if (!task) throw new ProtocolError(200, -32602, 'Failed to retrieve task: Task not found');
  return task;
}

async function call(message: Json, tasks: Tasks): Promise<object> {
  const { name, arguments: args = {}, inputResponses } = message.params;
  const tool = TASK_TOOLS.find((each) => each.name === name);
  if (!tool) throw new ProtocolError(200, -32602, `Unknown tool: ${name}`);
  if (tool.tasks === 'required') mustDeclare(message);
  if (tool.asksFirst && !inputResponses)
    return { resultType: 'input_required', inputRequests: tool.asksFirst, requestState: 'asked' };
  if (tool.tasks === 'never' || !declares(message))
    return { resultType: 'complete', ...(await tool.work(args, NEVER, {})) };
  return { resultType: 'task', ...tasks.start((work) => tool.work(args, work, inputResponses ?? {})) };
}

function listen(message: Json, response: ServerResponse, tasks: Tasks): void {
  const { taskIds } = message.params.notifications ?? {};
  if (taskIds !== undefined) mustDeclare(message);
  const known = new Set<string>((taskIds ?? []).filter((each: string) => tasks.find(each)));
  const tell = (method: string, params: object): void => {
    const meta = { _meta: { [`${PREFIX}subscriptionId`]: message.id } };
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, ...meta } })}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  tell('notifications/subscriptions/acknowledged', {
    notifications: known.size > 0 ? { taskIds: [...known] } : {},
  });
  const stop = tasks.listen((task) => {
    if (known.has(task.taskId)) tell('notifications/tasks', task);
  });
  response.on('close', stop);
}
