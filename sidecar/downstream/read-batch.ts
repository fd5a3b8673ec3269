import type { ClientMessage, readClientMessage } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import { space, valueEnd } from '../json/members.ts';
import { refuse, type Refusal } from '../reasons.ts';

/** The one revision that has batches, and what a client speaks that names none (2025-06-18, transports). */
const BATCH_VERSION = '2025-03-26';
export const MAX_BATCH_MESSAGES = 50;
const OPENING = 0x5b;
const CLOSING = 0x5d;
const COMMA = 0x2c;

export const startsLikeBatch = (body: Buffer): boolean => body[space(body, 0)] === OPENING;

/** Whether the revision that was agreed on has batches; without a session, whether the client may speak it. */
export function mayBatch({ session, head }: Exchange): boolean {
  return (
    (head.headers['mcp-protocol-version'] ?? BATCH_VERSION) === BATCH_VERSION &&
    (session?.version ?? BATCH_VERSION) === BATCH_VERSION
  );
}

/**
 * The messages of a batch, each read by itself over its own bytes. The batch is cut where its brackets and quotes say: what
 * is cut wrongly is not JSON, and then nothing of it is taken.
 */
export function readBatch(
  body: Buffer,
  readMessage: typeof readClientMessage,
): readonly ClientMessage[] | Refusal {
  const messages: ClientMessage[] = [];
  const ids = new Set<string>();
  let at = space(body, 0);
  if (body[at] !== OPENING) return refuse('not-json', 'no batch');
  do {
    if (messages.length === MAX_BATCH_MESSAGES)
      return refuse('not-jsonrpc', `more than ${MAX_BATCH_MESSAGES} messages in a batch`);
    const start = space(body, at + 1);
    if (body[start] === CLOSING && messages.length === 0)
      return refuse('not-jsonrpc', 'a batch without messages');
    const end = valueEnd(body, start);
    const message = readMessage(body.subarray(start, end));
    if ('reason' in message) return inBatch(message, messages.length);
    const problem = messageProblem(message, ids);
    if (problem) return inBatch(problem, messages.length);
    messages.push(message);
    at = space(body, end);
  } while (body[at] === COMMA);
  if (body[at] !== CLOSING || space(body, at + 1) !== body.length)
    return refuse('not-json', `unexpected byte at ${at}, in a batch`);
  return messages;
}

function messageProblem({ kind, era, method, id }: ClientMessage, ids: Set<string>): Refusal | undefined {
  if (era === 'modern') return refuse('not-strict', 'a message of 2026-07-28, which has no batches');
  // 2025-03-26, lifecycle: nothing can be judged by a revision that is yet to be agreed on.
  if (method === 'initialize') return refuse('not-jsonrpc', '"initialize" is sent alone');
  if (id === undefined) return undefined;
  // As whoever matches answers by their values would read them: 1 is 1.0.
  const value: unknown = JSON.parse(id);
  const key = `${kind} ${typeof value} ${String(value)}`;
  if (ids.has(key)) return refuse('not-strict', 'an id that another message of the batch has');
  ids.add(key);
  return undefined;
}

const inBatch = ({ reason, detail }: Refusal, index: number): Refusal =>
  refuse(reason, `${detail ?? 'not read'}; message ${index + 1} of a batch, of which nothing was done`);
