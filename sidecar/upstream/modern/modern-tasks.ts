/** The tasks of 2025-11-25 on the extension of 2026-07-28. */
import { editedReply } from '../../downstream/edited-reply.ts';
import type { Exchange, Reply, Transit } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { TASKS_EXTENSION } from '../../tasks/declares-tasks.ts';
import type { HttpPool } from '../http-pool.ts';
import { LEGACY_VERSION } from '../mcp-request.ts';
import { send } from '../own-reply.ts';
import { askAboutTask, NotAnsweredError } from './ask-server.ts';
import type { ClientSession } from './client-sessions.ts';
import { createFinishedTasks } from './finished-tasks.ts';
import {
  errorAnswer,
  isOver,
  legacyTold,
  listedWithTasks,
  readTask,
  withRelated,
  withTasksExtension,
  type TaskAnswer,
} from './task-answers.ts';
import { awaitTaskResult } from './task-result.ts';

const NOTHING: Transit = { abort: nothing, pause: nothing, resume: nothing };
const CANCELLED_WITHIN_MS = 2_000;
const LOOK_MS = 100;

/** What a client is told at `initialize`; `tasks/list` is not to be had of such a server. */
export function tasksCapability(version: string, extensions: unknown): object {
  const known = (extensions as Record<string, unknown> | undefined)?.[TASKS_EXTENSION] !== undefined;
  return known && version === LEGACY_VERSION
    ? { tasks: { cancel: {}, requests: { tools: { call: {} } } } }
    : {};
}

export interface ModernTasks {
  /** The session as the server is told of it, and the reply as the client is, for a call or a list. */
  face(session: ClientSession, exchange: Exchange, reply: Reply): { session: ClientSession; reply: Reply };
  /** Undefined for what is not about a task. */
  request(session: ClientSession, exchange: Exchange, reply: Reply): Transit | undefined;
}

export function createModernTasks(pool: HttpPool): ModernTasks {
  const finished = createFinishedTasks();

  /** The client wanted a task, and the server none. */
  function finishedTask(response: Buffer, exchange: Exchange): Buffer {
    const id = exchange.message?.id ?? 'null';
    const result = members(response).get('result');
    const inner = result && members(response, result.start);
    if (!result || !inner || inner.has('task')) return response;
    const failed = inner.get('isError');
    const isError = failed !== undefined && response.toString('latin1', failed.start, failed.end) === 'true';
    const task = finished.keep(response, exchange.principal.digest, isError);
    return task
      ? Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"task":${task.state}}}`)
      : errorAnswer(
          id,
          '{"code":-32603,"message":"The result is too large to be kept: call without a task"}',
        );
  }

  async function told(exchange: Exchange, session: ClientSession, taskId: string): Promise<Buffer> {
    const id = exchange.message?.id ?? 'null';
    const ask = (method: string): Promise<Buffer> =>
      askAboutTask({ pool, client: session, exchange }, method, { taskId });
    let response = await ask('tasks/get');
    const error = (): Buffer | undefined => {
      const span = members(response).get('error');
      return span && errorAnswer(id, response.toString('utf8', span.start, span.end));
    };
    if (error() || exchange.message?.method !== 'tasks/cancel')
      return error() ?? legacyTold(readTask(response), id);
    let task: TaskAnswer = readTask(response);
    if (isOver(task)) return errorAnswer(id, terminal(task.status));
    response = await ask('tasks/cancel');
    // The extension's server only takes note of it, the client wants to read that it is done.
    for (let waitedMs = 0; !error() && !isOver(task) && waitedMs < CANCELLED_WITHIN_MS; waitedMs += LOOK_MS) {
      if (waitedMs > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      response = await ask('tasks/get');
      if (!error()) task = readTask(response);
    }
    return error() ?? legacyTold(task, id);
  }

  function ofFinished(exchange: Exchange, taskId: string): Buffer | undefined {
    const { id = 'null', method } = exchange.message!;
    const task = finished.find(exchange.principal.digest, taskId);
    if (!task) return undefined;
    if (method === 'tasks/cancel') return errorAnswer(id, terminal('completed'));
    if (method === 'tasks/get') return Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${task.state}}`);
    const result = members(task.response).get('result');
    return withRelated(task.response, members(task.response, result?.start), id, taskId);
  }

  return {
    face(session, exchange, reply) {
      const { method, document } = exchange.message!;
      if (!session.knowsTasks) return { session, reply };
      if (method === 'tools/list') return { session, reply: editedReply(reply, listedWithTasks) };
      if (method !== 'tools/call' || !document.params.has('task')) return { session, reply };
      const edit = (response: Buffer): Buffer => finishedTask(response, exchange);
      return { session: withTasks(session), reply: editedReply(reply, edit) };
    },
    request(session, exchange, reply) {
      const { id = 'null', method, target: taskId } = exchange.message!;
      if (!/^tasks\/(get|result|cancel)$/.test(method) || !session.knowsTasks) return undefined;
      const give = (body: Buffer): Transit => {
        send(reply, { status: 200, body });
        return NOTHING;
      };
      if (taskId === undefined) return give(errorAnswer(id, '{"code":-32602,"message":"taskId is missing"}'));
      const kept = ofFinished(exchange, taskId);
      if (kept) return give(kept);
      const known = withTasks(session);
      if (method === 'tasks/result')
        return awaitTaskResult({ pool, session: known, exchange }, reply, taskId);
      told(exchange, known, taskId).then(give, (error: Error) => {
        if (!(error instanceof NotAnsweredError)) throw error;
        reply.fail(error.refusal);
      });
      return NOTHING;
    },
  };
}

const withTasks = (session: ClientSession): ClientSession => ({
  ...session,
  capabilities: withTasksExtension(session.capabilities),
});

const terminal = (status: string): string =>
  JSON.stringify({ code: -32602, message: `Cannot cancel task: already in terminal status '${status}'` });

function nothing(): void {}
