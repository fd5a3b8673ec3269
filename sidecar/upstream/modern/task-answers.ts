/** Tasks of the extension of 2026-07-28 as clients of 2025-11-25 read them; values keep their bytes. */
import { SERVER_INFO_KEY, text } from '../../client-message.ts';
import { elements, members } from '../../json/members.ts';
import { asBytes, membersWithout, ofBytes } from '../../json/splice.ts';
import type { Span } from '../../json/strict-reader.ts';
import { RELATED_TASK, TASKS_EXTENSION } from '../../tasks/declares-tasks.ts';

/** What a task is, without what came of it. */
const STATE = ['taskId', 'status', 'statusMessage', 'createdAt', 'lastUpdatedAt'];

export interface TaskAnswer {
  readonly status: string;
  readonly pollIntervalMs: number | undefined;
  /** Members of the result of `tasks/get`. */
  readonly inner: ReadonlyMap<string, Span>;
  readonly response: Buffer;
}

/** @throws {TypeError} for what is no task */
export function readTask(response: Buffer): TaskAnswer {
  const inner = memberOf(response, members(response), 'result');
  const status = text(response, inner.get('status'));
  if (status === undefined) throw new TypeError('a task without a status');
  const poll = Number(raw(response, inner.get('pollIntervalMs')));
  return { status, pollIntervalMs: poll > 0 ? poll : undefined, inner, response };
}

export const isOver = ({ status }: TaskAnswer): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** Raw JSON in bytes. A tool that failed has failed its task (2025-11-25, task execution errors). */
export function legacyState({ response, inner, status }: TaskAnswer): string {
  const result = memberOf(response, inner, 'result');
  const failed = status === 'completed' && raw(response, result.get('isError')) === 'true';
  const rest = [...inner.keys()].filter((key) => !STATE.includes(key) || (failed && key === 'status'));
  const poll = raw(response, inner.get('pollIntervalMs'));
  return [
    ...membersWithout(response, inner, rest),
    ...(failed ? ['"status":"failed"'] : []),
    `"ttl":${raw(response, inner.get('ttlMs')) ?? 'null'}`,
    ...(poll === undefined ? [] : [`"pollInterval":${poll}`]),
  ].join(',');
}

/** The answer to a call that has made a task. */
export const legacyMade = (response: Buffer, id: string): Buffer =>
  result(id, `"task":{${legacyState(readTask(response))}}`);

/** To `tasks/get` and `tasks/cancel`. */
export const legacyTold = (task: TaskAnswer, id: string): Buffer => result(id, legacyState(task));

/** To `tasks/result`: what the call would have been answered. */
export function legacyOutcome({ status, response, inner }: TaskAnswer, id: string, taskId: string): Buffer {
  if (status === 'cancelled') return errorAnswer(id, '{"code":-32603,"message":"The task was cancelled"}');
  const error = raw(response, inner.get('error'));
  if (status === 'failed') return errorAnswer(id, error ?? '{"code":-32603,"message":"The task has failed"}');
  return withRelated(response, memberOf(response, inner, 'result'), id, taskId);
}

/** A result with the task that it is of. */
export function withRelated(
  response: Buffer,
  inner: ReadonlyMap<string, Span>,
  id: string,
  taskId: string,
): Buffer {
  const meta = memberOf(response, inner, '_meta');
  const related = asBytes(`"${RELATED_TASK}":${JSON.stringify({ taskId })}`);
  const kept = [...membersWithout(response, meta, [SERVER_INFO_KEY, RELATED_TASK]), related];
  return result(
    id,
    [...membersWithout(response, inner, ['_meta', 'resultType']), `"_meta":{${kept.join(',')}}`].join(','),
  );
}

/** What a task wants to know, by its keys: method and params, with the task in them. */
export function questionsOf(
  { response, inner }: TaskAnswer,
  taskId: string,
): Map<string, { readonly method: string; readonly params: string }> {
  const asked = memberOf(response, inner, 'inputRequests');
  return new Map(
    [...asked].map(([key, { start }]) => {
      const request = members(response, start);
      const params = memberOf(response, request, 'params');
      const meta = memberOf(response, params, '_meta');
      const related = asBytes(`"${RELATED_TASK}":${JSON.stringify({ taskId })}`);
      const kept = [...membersWithout(response, meta, [RELATED_TASK]), related];
      const parts = [...membersWithout(response, params, ['_meta']), `"_meta":{${kept.join(',')}}`];
      const own = ofBytes(`{${parts.join(',')}}`).toString('utf8');
      return [key, { method: text(response, request.get('method')) ?? '', params: own }];
    }),
  );
}

/** Every tool may become a task, for the server decides that call by call. */
export function listedWithTasks(message: Buffer): Buffer {
  const tools = memberOf(message, members(message), 'result').get('tools');
  if (!tools || message[tools.start] !== 0x5b) return message;
  const marked = elements(message, tools.start).map(({ start, end }) => {
    const own = membersWithout(message, members(message, start), ['execution']);
    return message[start] === 0x7b
      ? `{${[...own, '"execution":{"taskSupport":"optional"}'].join(',')}}`
      : message.toString('latin1', start, end);
  });
  const list = ofBytes(`[${marked.join(',')}]`);
  return Buffer.concat([message.subarray(0, tools.start), list, message.subarray(tools.end)]);
}

/** Raw JSON of a client's capabilities, with the extension. */
export function withTasksExtension(capabilities: string): string {
  const { tasks: _, extensions, ...rest } = JSON.parse(capabilities) as Record<string, object>;
  return JSON.stringify({ ...rest, extensions: { ...extensions, [TASKS_EXTENSION]: {} } });
}

const result = (id: string, inner: string): Buffer =>
  ofBytes(`{"jsonrpc":"2.0","id":${asBytes(id)},"result":{${inner}}}`);

/** @param error raw JSON */
export const errorAnswer = (id: string, error: string): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${error}}`);

const raw = (from: Buffer, span: Span | undefined): string | undefined =>
  span && from.toString('utf8', span.start, span.end);

function memberOf(message: Buffer, of: ReadonlyMap<string, Span>, key: string): Map<string, Span> {
  const span = of.get(key);
  return span ? members(message, span.start) : new Map<string, Span>();
}
