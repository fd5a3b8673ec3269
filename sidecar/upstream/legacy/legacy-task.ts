import { members } from '../../json/members.ts';
import { asBytes, membersWithout, ofBytes } from '../../json/splice.ts';
import type { Span } from '../../json/strict-reader.ts';
import { RELATED_TASK } from '../../tasks/declares-tasks.ts';
import type { Question } from './parked-rounds.ts';

/** A task as 2025-11-25 writes it. */
export interface LegacyTaskState {
  readonly taskId?: unknown;
  readonly status?: unknown;
  readonly statusMessage?: unknown;
  readonly createdAt?: unknown;
  readonly lastUpdatedAt?: unknown;
  readonly ttl?: unknown;
  readonly pollInterval?: unknown;
}

/** The same as the extension of 2026-07-28 writes it. */
export function modernTask(task: LegacyTaskState, status = task.status): Record<string, unknown> {
  const { ttl, pollInterval, taskId, statusMessage, createdAt, lastUpdatedAt } = task;
  return {
    taskId,
    status,
    ...(statusMessage === undefined || statusMessage === null ? {} : { statusMessage }),
    createdAt,
    lastUpdatedAt: lastUpdatedAt ?? createdAt,
    ttlMs: wholeMs(ttl),
    ...(wholeMs(pollInterval) === null ? {} : { pollIntervalMs: wholeMs(pollInterval) }),
  };
}

const wholeMs = (value: unknown): number | null =>
  typeof value === 'number' && value > 0 ? Math.ceil(value) : null;

/**
 * What `tasks/result` was answered, as a member of the task; the tool's bytes are kept. A tool that failed has a result
 * in 2026-07-28, and only what no tool answered is an error.
 * @returns the status that goes with it, and the member
 */
export function outcomeOf(response: Buffer): { status: 'completed' | 'failed'; member: string } | undefined {
  const top = members(response);
  const error = top.get('error');
  if (error)
    return { status: 'failed', member: `"error":${response.toString('latin1', error.start, error.end)}` };
  const result = top.get('result');
  if (!result) return undefined;
  const inner = members(response, result.start);
  const meta = inner.get('_meta');
  const kept = meta ? membersWithout(response, members(response, meta.start), [RELATED_TASK]) : [];
  const parts = [
    ...membersWithout(response, inner, ['_meta']),
    ...(kept.length > 0 ? [`"_meta":{${kept.join(',')}}`] : []),
  ];
  return { status: 'completed', member: `"result":{${parts.join(',')}}` };
}

/** The task that a question is about, if it says so. */
export function relatedTask(params: string): string | undefined {
  const raw = Buffer.from(params);
  const related = inMeta(raw, members(raw)).get(RELATED_TASK);
  if (!related) return undefined;
  const { taskId } = JSON.parse(raw.toString('utf8', related.start, related.end)) as { taskId?: unknown };
  return typeof taskId === 'string' ? taskId : undefined;
}

/** As `inputRequests` has it: without what only the era of sessions has. */
export function inputRequest({ method, params }: Question): string {
  const raw = Buffer.from(params);
  const inner = members(raw);
  const meta = membersWithout(raw, inMeta(raw, inner), [RELATED_TASK]);
  const parts = [
    ...membersWithout(raw, inner, ['_meta', 'elicitationId', 'task']),
    ...(meta.length > 0 ? [`"_meta":{${meta.join(',')}}`] : []),
  ];
  return `{"method":${asBytes(JSON.stringify(method))},"params":{${parts.join(',')}}}`;
}

/** The client's answer, which must say whose it is (2025-11-25, tasks). */
export function taskAnswer(answer: string, taskId: string): string {
  const raw = Buffer.from(answer);
  const inner = members(raw);
  const related = asBytes(`${JSON.stringify(RELATED_TASK)}:${JSON.stringify({ taskId })}`);
  const meta = [...membersWithout(raw, inMeta(raw, inner), [RELATED_TASK]), related];
  const parts = [...membersWithout(raw, inner, ['_meta']), `"_meta":{${meta.join(',')}}`];
  return ofBytes(`{${parts.join(',')}}`).toString('utf8');
}

function inMeta(raw: Buffer, inner: ReadonlyMap<string, Span>): Map<string, Span> {
  const meta = inner.get('_meta');
  return meta ? members(raw, meta.start) : new Map<string, Span>();
}
