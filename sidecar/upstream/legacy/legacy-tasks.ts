/**
 * The tasks extension of 2026-07-28 on the tasks of 2025-11-25. The server keeps a task in the session that made it, so
 * that session is held as long as the task may live; what the server asks meanwhile waits here for `tasks/update`.
 */
import type { ClientMessage } from '../../client-message.ts';
import type { Exchange, Reply } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { asBytes, ofBytes } from '../../json/splice.ts';
import { declaresTasks, TASKS_EXTENSION } from '../../tasks/declares-tasks.ts';
import type { HttpPool } from '../http-pool.ts';
import type { RpcAnswer } from '../mcp-request.ts';
import { METHOD_NOT_FOUND, rpc } from '../mcp-request.ts';
import { send, type Answer } from '../own-reply.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { LegacySession } from './legacy-sessions.ts';
import {
  inputRequest,
  modernTask,
  outcomeOf,
  relatedTask,
  taskAnswer,
  type LegacyTaskState,
} from './legacy-task.ts';
import type { ModernRequest } from './modern-request.ts';
import type { Question } from './parked-rounds.ts';
import { readQuestion, undeclared } from './questions.ts';
import { openTaskResult, type TaskResultStream } from './task-result-stream.ts';
import { tell } from './tell.ts';
import { legacyError, legacyResponse } from './to-legacy.ts';
import { ownAnswer, ownError } from './to-modern.ts';

const INVALID_PARAMS = -32602;
const TIMEOUT_MS = 10_000;
/** How long a server that needs an answer may take to ask. */
const ASKED_WITHIN_MS = 1_000;
const MAX_TASKS = 1_024;
const MAX_TASKS_PER_OWNER = 64;
const MAX_QUESTIONS = 64;
/** Of tasks without a limit of their own, and of any. */
const MAX_LIFE_MS = 24 * 60 * 60_000;

interface Task {
  readonly id: string;
  readonly session: LegacySession;
  readonly request: ModernRequest;
  readonly questions: Map<string, Question>;
  asked: number;
  /** Open while the server wants to know something. */
  stream: TaskResultStream | undefined;
  wake: (() => void) | undefined;
  readonly timer: NodeJS.Timeout;
}

export interface LegacyTasks {
  /** The call has made it, on this session. */
  made(task: LegacyTaskState, session: LegacySession, request: ModernRequest): void;
  /**
   * `tasks/get`, `tasks/update` and `tasks/cancel`.
   * @param given session of the request, for a task that none is known of
   */
  answer(exchange: Exchange, reply: Reply, given: LegacySession): Promise<void>;
  /** @returns whether a question on a session's own stream is about a task, and so no call's */
  asked(session: LegacySession, question: Buffer): boolean;
  clear(): void;
}

/** Whether the server can be called for a task. */
export const makesTasks = ({ facts }: Pick<LegacySession, 'facts'>): boolean => {
  const tasks = facts.capabilities['tasks'] as { requests?: { tools?: { call?: unknown } } } | undefined;
  return tasks?.requests?.tools?.call !== undefined;
};

export function createLegacyTasks(pool: HttpPool): LegacyTasks {
  const tasks = new Map<string, Task>();

  function forget(task: Task): void {
    if (!tasks.delete(keyOf(task.session.owner, task.id))) return;
    clearTimeout(task.timer);
    task.stream?.close();
    task.session.uses--;
  }

  function made(state: LegacyTaskState, session: LegacySession, request: ModernRequest): void {
    const id = String(state.taskId);
    const key = keyOf(session.owner, id);
    if (tasks.has(key)) return;
    const mine = [...tasks.values()].filter((each) => each.session.owner === session.owner);
    const [oldest] =
      mine.length >= MAX_TASKS_PER_OWNER ? mine : tasks.size >= MAX_TASKS ? tasks.values() : [];
    if (oldest) forget(oldest);
    const lifeMs = typeof state.ttl === 'number' ? Math.min(state.ttl, MAX_LIFE_MS) : MAX_LIFE_MS;
    const task: Task = {
      id,
      session,
      request,
      questions: new Map(),
      asked: 0,
      stream: undefined,
      wake: undefined,
      timer: setTimeout(() => forget(task), lifeMs).unref(),
    };
    session.uses++;
    tasks.set(key, task);
  }

  function ask(task: Task, data: Buffer): void {
    const question = readQuestion(data);
    if (question.method === 'ping') return tell(pool, task.session, legacyResponse(question.id, '{}'));
    if (undeclared(question, task.request) || task.questions.size >= MAX_QUESTIONS)
      return tell(
        pool,
        task.session,
        legacyError(question.id, METHOD_NOT_FOUND, 'the client of this task cannot be asked that'),
      );
    task.questions.set(`${++task.asked}`, question);
    task.wake?.();
  }

  /** Servers ask on the stream of `tasks/result`, so one is there while they want to. */
  async function untilAsked(task: Task, exchange: Exchange): Promise<void> {
    if (!task.stream) {
      const stream = openTaskResult({ pool, session: task.session, exchange }, task.id, (data) =>
        ask(task, data),
      );
      task.stream = stream;
      void stream.answer.then(() => {
        if (task.stream === stream) task.stream = undefined;
        task.wake?.();
      });
    }
    if (task.questions.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    task.wake = resolve;
    const timer = setTimeout(resolve, ASKED_WITHIN_MS);
    await promise;
    clearTimeout(timer);
    task.wake = undefined;
  }

  async function get(exchange: Exchange, session: LegacySession, taskId: string): Promise<Answer> {
    const id = exchange.message?.id ?? 'null';
    const { dialect, owner } = session;
    const answered = await rpc(pool, dialect, 'tasks/get', { taskId }, { timeoutMs: TIMEOUT_MS, owner });
    if (!answered.result) return refused(id, answered);
    const state: LegacyTaskState = answered.result;
    if (state.status === 'completed' || state.status === 'failed') {
      const { answer } = openTaskResult({ pool, session, exchange, isOver: true }, taskId, (data) =>
        tell(pool, session, legacyError(readQuestion(data).id, METHOD_NOT_FOUND, 'the task is over')),
      );
      const response = await answer;
      const outcome = response && outcomeOf(response);
      if (!outcome) throw new UpstreamError('tasks/result was not answered');
      return told(id, modernTask(state, outcome.status), outcome.member);
    }
    const task = tasks.get(keyOf(session.owner, taskId));
    if (state.status !== 'input_required' || !task) return told(id, modernTask(state));
    await untilAsked(task, exchange);
    // Until it is known what is asked, nobody can answer (ext-tasks, task polling).
    if (task.questions.size === 0) return told(id, modernTask(state, 'working'));
    const asked = [...task.questions].map(([key, question]) => `"${key}":${inputRequest(question)}`);
    return told(id, modernTask(state), `"inputRequests":{${asked.join(',')}}`);
  }

  /** What is not asked any more is left unread (ext-tasks, task update requests). */
  function update(task: Task, { raw, document }: ClientMessage): void {
    const responses = document.params.get('inputResponses');
    for (const [key, { start, end }] of responses ? members(raw, responses.start) : []) {
      const question = task.questions.get(key);
      if (!question || raw[start] !== 0x7b) continue;
      task.questions.delete(key);
      const result = taskAnswer(raw.toString('utf8', start, end), task.id);
      tell(pool, task.session, legacyResponse(question.id, result));
    }
  }

  /** To ask is all that a client may do; one that is over stays as it is (ext-tasks, task cancellation). */
  async function cancel(session: LegacySession, taskId: string): Promise<RpcAnswer> {
    const { dialect, facts, owner } = session;
    const limits = { timeoutMs: TIMEOUT_MS, owner };
    if ((facts.capabilities['tasks'] as { cancel?: unknown } | undefined)?.cancel !== undefined) {
      const cancelled = await rpc(pool, dialect, 'tasks/cancel', { taskId }, limits);
      if (cancelled.error?.code !== INVALID_PARAMS) return cancelled;
    }
    return rpc(pool, dialect, 'tasks/get', { taskId }, limits);
  }

  return {
    made,
    async answer(exchange, reply, given) {
      const message = exchange.message!;
      const { id = 'null', method, target: taskId } = message;
      if (!declaresTasks(message)) return send(reply, ownError(id, MISSING_TASKS));
      if (taskId === undefined)
        return send(reply, ownError(id, { status: 200, code: INVALID_PARAMS, message: 'taskId is missing' }));
      const task = tasks.get(keyOf(given.owner, taskId));
      const session = task?.session ?? given;
      if (method === 'tasks/get') return send(reply, await get(exchange, session, taskId));
      const limits = { timeoutMs: TIMEOUT_MS, owner: session.owner };
      const answered =
        method === 'tasks/cancel'
          ? await cancel(session, taskId)
          : await rpc(pool, session.dialect, 'tasks/get', { taskId }, limits);
      if (answered.result && method === 'tasks/update' && task) update(task, message);
      send(reply, answered.result ? ownAnswer(id, {}) : refused(id, answered));
    },
    asked({ owner }, question) {
      const taskId = tasks.size > 0 ? relatedTask(readQuestion(question).params) : undefined;
      const task = taskId === undefined ? undefined : tasks.get(keyOf(owner, taskId));
      if (task) ask(task, question);
      return task !== undefined;
    },
    clear() {
      for (const task of tasks.values()) forget(task);
    },
  };
}

export const MISSING_TASKS = {
  status: 400,
  code: -32021,
  message: 'Missing required client capability',
  data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
} as const;

/** Servers may number the tasks of each session from one. */
const keyOf = (owner: string, id: string): string => JSON.stringify([owner, id]);

const told = (id: string, task: Record<string, unknown>, member?: string): Answer => {
  const flat = asBytes(JSON.stringify({ resultType: 'complete', ...task })).slice(1, -1);
  const result = [flat, ...(member === undefined ? [] : [member])].join(',');
  return { status: 200, body: ofBytes(`{"jsonrpc":"2.0","id":${asBytes(id)},"result":{${result}}}`) };
};

/** A session that is gone has taken its tasks with it. */
const refused = (id: string, { status, error }: RpcAnswer): Answer =>
  error && status !== 404
    ? ownError(id, { status: 200, code: error.code, message: error.message })
    : ownError(id, { status: 200, code: INVALID_PARAMS, message: 'Task not found' });
