/** Where ids of tasks stand in messages, and other ones in their place; every other byte stays. */
import { text } from '../client-message.ts';
import { elements, members } from '../json/members.ts';
import type { Span } from '../json/strict-reader.ts';

/** The id of a task, and where it stands. */
export interface MadeTask {
  readonly id: string;
  readonly span: Span;
}

/** In 2026-07-28 the result is the task, in 2025-11-25 it has one. */
export function madeTask(message: Buffer, era: 'modern' | 'legacy'): MadeTask | undefined {
  if (!message.includes('"taskId"')) return undefined;
  const result = memberOf(message, members(message), 'result');
  const task =
    era === 'legacy'
      ? memberOf(message, result, 'task')
      : text(message, result.get('resultType')) === 'task'
        ? result
        : undefined;
  return task && found(message, task.get('taskId'));
}

/** Of the task that a result of `tasks/get` tells about. */
export const toldTask = (message: Buffer): MadeTask | undefined =>
  found(message, memberOf(message, members(message), 'result').get('taskId'));

/** Of a notification about a task, whichever the era. */
export function notifiedTask(message: Buffer): MadeTask | undefined {
  if (!message.includes('notifications/tasks')) return undefined;
  const top = members(message);
  if (top.has('id') || !/^notifications\/tasks(\/|$)/.test(text(message, top.get('method')) ?? ''))
    return undefined;
  return found(message, memberOf(message, top, 'params').get('taskId'));
}

/** The list of tasks in a result, and each of them. */
export function listedTasks(message: Buffer): { list: Span; tasks: readonly MadeTask[] } | undefined {
  const list = memberOf(message, members(message), 'result').get('tasks');
  if (!list || message[list.start] !== 0x5b) return undefined;
  const tasks = elements(message, list.start).flatMap((span) => {
    const task = found(message, members(message, span.start).get('taskId'));
    return task ? [{ id: task.id, span }] : [];
  });
  return { list, tasks };
}

/** The array of ids that a listening client names, or that a server agrees to. */
export function subscribedTasks(message: Buffer): { list: Span; ids: string[] } | undefined {
  const list = memberOf(message, memberOf(message, members(message), 'params'), 'notifications').get(
    'taskIds',
  );
  if (!list || message[list.start] !== 0x5b) return undefined;
  const ids = elements(message, list.start).map((span) => text(message, span) ?? '');
  return { list, ids };
}

/** @param json what stands there instead */
export const replaced = (message: Buffer, { start, end }: Span, json: string): Buffer =>
  Buffer.concat([message.subarray(0, start), Buffer.from(json), message.subarray(end)]);

function memberOf(message: Buffer, of: ReadonlyMap<string, Span>, key: string): Map<string, Span> {
  const span = of.get(key);
  return span ? members(message, span.start) : new Map<string, Span>();
}

function found(message: Buffer, span: Span | undefined): MadeTask | undefined {
  const id = text(message, span);
  return span && id !== undefined ? { id, span } : undefined;
}
