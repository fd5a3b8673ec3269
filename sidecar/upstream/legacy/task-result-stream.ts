import { text } from '../../client-message.ts';
import type { Exchange } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { AnswerReader, type AnswerEvents } from '../answer-reader.ts';
import type { HttpPool } from '../http-pool.ts';
import { headerLines } from '../mcp-request.ts';
import type { LegacySession } from './legacy-sessions.ts';

export interface TaskResultStream {
  /** The server's response, or undefined when there is none to be had. */
  readonly answer: Promise<Buffer | undefined>;
  close(): void;
}

export interface TaskResultParts {
  readonly pool: HttpPool;
  readonly session: LegacySession;
  readonly exchange: Exchange;
  /** Its answer is there: a server that says nothing is not waited for. */
  readonly isOver?: boolean;
}

/**
 * `tasks/result` of 2025-11-25: answered when the task is over; until then the server asks on its stream what it wants
 * to know.
 * @param asked called with each request of the server's
 */
export function openTaskResult(
  { pool, session, exchange, isOver = false }: TaskResultParts,
  taskId: string,
  asked: (request: Buffer) => void,
): TaskResultStream {
  const id = String(session.nextId());
  const { promise: answer, resolve } = Promise.withResolvers<Buffer | undefined>();
  const none = (): void => resolve(undefined);
  const events: AnswerEvents = {
    message(data) {
      const top = members(data);
      if (text(data, top.get('method')) !== undefined) return top.has('id') ? asked(data) : undefined;
      const span = top.get('id');
      if (span && data.toString('latin1', span.start, span.end) === id) resolve(data);
    },
    wholeAnswer: resolve,
    sessionLost: none,
    failed: none,
  };
  const reader = new AnswerReader(exchange, { id, sessions: true }, events);
  session.uses++;
  const params = JSON.stringify({ taskId });
  const call = pool.send(
    {
      method: 'POST',
      headerLines: headerLines(session.dialect, 'tasks/result'),
      body: Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"tasks/result","params":${params}}`),
      owner: session.owner,
      // A task may take its time, and its client too.
      listens: !isOver,
    },
    reader,
  );
  void answer.then(() => {
    session.uses--;
    reader.close();
    call.abort();
  });
  return { answer, close: none };
}
