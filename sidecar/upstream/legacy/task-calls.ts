import { readClientMessage, text, type ClientMessage } from '../../client-message.ts';
import { editedReply } from '../../downstream/edited-reply.ts';
import type { Exchange, Reply } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { asBytes, membersWithout, ofBytes } from '../../json/splice.ts';
import { declaresTasks } from '../../tasks/declares-tasks.ts';
import type { CatalogueTool } from '../list-tools.ts';
import type { LegacySession } from './legacy-sessions.ts';
import { makesTasks, MISSING_TASKS } from './legacy-tasks.ts';
import { modernTask, type LegacyTaskState } from './legacy-task.ts';
import type { ProtocolError } from './modern-request.ts';

const TASK_METHODS = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

export const isAboutTask = ({ method }: ClientMessage): boolean => TASK_METHODS.has(method);

/** Where the call of a client that knows tasks makes one, the client is told of it as the extension has it. */
export function tellingOfTask(
  { message }: Exchange,
  reply: Reply,
  made: (task: LegacyTaskState) => void,
): Reply {
  if (message?.method !== 'tools/call' || !declaresTasks(message)) return reply;
  return editedReply(
    reply,
    Object.assign((response: Buffer) => madeAnswer(response, made), { largePass: true as const }),
  );
}

/**
 * The server decides what becomes a task (ext-tasks), and here that is us: each call of a tool that says it may be one,
 * of a client that knows them.
 * @returns why the call cannot be made
 */
export function prepareCall(
  exchange: Exchange,
  tool: CatalogueTool | undefined,
  session: LegacySession,
): ProtocolError | undefined {
  const message = exchange.message!;
  const able = tool?.tasks !== undefined && makesTasks(session);
  if (able && tool.tasks === 'required' && !declaresTasks(message)) return MISSING_TASKS;
  const made = able && declaresTasks(message);
  // To servers of sessions the member is a wish; to those of 2026-07-28 it would have been nothing.
  if (!made && !message.document.params.has('task')) return undefined;
  const changed = readClientMessage(withTask(message, made));
  if (!('reason' in changed)) exchange.message = changed;
  return undefined;
}

function withTask({ raw, document }: ClientMessage, made: boolean): Buffer {
  const params = [...membersWithout(raw, document.params, ['task']), ...(made ? ['"task":{}'] : [])];
  const rest = membersWithout(raw, document.top, ['params']);
  return ofBytes(`{${[...rest, `"params":{${params.join(',')}}`].join(',')}}`);
}

/** The answer to a call that has made a task, as the extension writes it. */
function madeAnswer(response: Buffer, made: (task: LegacyTaskState) => void): Buffer {
  if (!response.includes('"taskId"')) return response;
  const top = members(response);
  const result = top.get('result');
  const inner = result && members(response, result.start);
  const task = inner?.get('task');
  if (!result || !inner || !task || text(response, members(response, task.start).get('taskId')) === undefined)
    return response;
  const state = JSON.parse(response.toString('utf8', task.start, task.end)) as LegacyTaskState;
  made(state);
  const flat = asBytes(JSON.stringify({ resultType: 'task', ...modernTask(state) })).slice(1, -1);
  const kept = membersWithout(response, inner, ['task', 'resultType']);
  const rest = membersWithout(response, top, ['result']);
  return ofBytes(`{${[...rest, `"result":{${[flat, ...kept].join(',')}}`].join(',')}}`);
}
