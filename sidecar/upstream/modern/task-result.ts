import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange, Reply, Transit } from '../../exchange.ts';
import { messageEvent } from '../../sse.ts';
import type { HttpPool } from '../http-pool.ts';
import { startStream } from '../own-reply.ts';
import { askAboutTask, NotAnsweredError } from './ask-server.ts';
import type { Answered, ClientSession } from './client-sessions.ts';
import { errorAnswer, isOver, legacyOutcome, questionsOf, readTask } from './task-answers.ts';
import { members } from '../../json/members.ts';

const POLL_MS = 1_000;
const [MIN_POLL_MS, MAX_POLL_MS] = [100, 5_000];

interface Parts {
  readonly pool: HttpPool;
  /** With the extension among its capabilities. */
  readonly session: ClientSession;
  readonly exchange: Exchange;
}

/**
 * `tasks/result` of 2025-11-25, which is answered when the task is over: the server is asked again and again, and what it
 * wants to know becomes requests on the stream of the answer.
 */
export function awaitTaskResult({ pool, session, exchange }: Parts, reply: Reply, taskId: string): Transit {
  const id = exchange.message?.id ?? 'null';
  const gone = new AbortController();
  /** By the server's key: the id that the client was asked under. */
  const asked = new Map<string, string>();
  /** Ends the pause between two looks. */
  let next = new AbortController();
  let refused: string | undefined;

  function ask(key: string, { method, params }: { method: string; params: string }): void {
    const own = `kubectl-mcp-${randomUUID()}`;
    asked.set(key, own);
    session.questions.set(`"${own}"`, (answer) => {
      void answered(key, method, answer).catch(failed);
    });
    event(
      Buffer.from(`{"jsonrpc":"2.0","id":"${own}","method":${JSON.stringify(method)},"params":${params}}`),
    );
  }

  async function answered(key: string, method: string, answer: Answered): Promise<void> {
    if ('error' in answer && method !== 'elicitation/create') {
      // The extension has no word for it but that the task is not wanted any more.
      refused = 'The task asked this client, which refused';
      await askAboutTask({ pool, client: session, exchange }, 'tasks/cancel', { taskId });
    } else {
      // An elicitation that a client cannot show is one that nobody has answered.
      const value = 'result' in answer ? answer.result : '{"action":"cancel"}';
      const params = [`"inputResponses":{${JSON.stringify(key)}:${value}}`];
      await askAboutTask({ pool, client: session, exchange }, 'tasks/update', { taskId, params });
    }
    next.abort();
  }

  async function run(): Promise<void> {
    while (!gone.signal.aborted) {
      const response = await askAboutTask({ pool, client: session, exchange }, 'tasks/get', { taskId });
      if (gone.signal.aborted) return;
      const error = members(response).get('error');
      if (error) return finish(errorAnswer(id, response.toString('utf8', error.start, error.end)));
      const task = readTask(response);
      if (refused !== undefined)
        return finish(errorAnswer(id, JSON.stringify({ code: -32603, message: refused })));
      if (isOver(task)) return finish(legacyOutcome(task, id, taskId));
      if (task.status === 'input_required')
        for (const [key, question] of questionsOf(task, taskId)) if (!asked.has(key)) ask(key, question);
      next = new AbortController();
      const pauseMs = Math.min(Math.max(task.pollIntervalMs ?? POLL_MS, MIN_POLL_MS), MAX_POLL_MS);
      await sleep(pauseMs, undefined, { signal: AbortSignal.any([gone.signal, next.signal]) }).catch(
        () => undefined,
      );
    }
  }

  const event = (message: Buffer): void => {
    if (!gone.signal.aborted) reply.chunk(messageEvent(message));
  };

  function finish(message: Buffer): void {
    event(message);
    stop();
    reply.end();
  }

  function failed(error: Error): void {
    if (gone.signal.aborted) return;
    stop();
    if (!(error instanceof NotAnsweredError)) throw error;
    reply.fail(error.refusal);
  }

  function stop(): void {
    gone.abort();
    session.calls.delete(id);
    for (const own of asked.values()) session.questions.delete(`"${own}"`);
  }

  session.calls.set(id, () => {
    if (gone.signal.aborted) return;
    stop();
    reply.end();
  });
  startStream(reply);
  void run().catch(failed);
  return { abort: stop, pause: () => undefined, resume: () => undefined };
}
