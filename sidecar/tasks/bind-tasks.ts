/**
 * A task belongs to the caller whose call made it, and to that call's tool. What anybody else asks of it is answered as
 * if it did not exist, and so is what its owner asks while the tool is not allowed.
 */
import { randomUUID } from 'node:crypto';
import { readClientMessage, type ClientMessage } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import { mirroredHeader } from '../mirrored-value.ts';
import type { Pass, ResultEditor, Verdict } from '../passes.ts';
import { refuse } from '../reasons.ts';
import { declaresTasks } from './declares-tasks.ts';
import { listedTasks, madeTask, notifiedTask, replaced, subscribedTasks, toldTask } from './task-messages.ts';
import type { TaskOwners } from './task-owners.ts';
import type { TaskSeal } from './task-seal.ts';

export interface TaskBindingDeps {
  readonly seal: TaskSeal;
  readonly owners: TaskOwners;
  readonly decide: DecideTask;
}

/** Whether the caller of an exchange may use the tool that made a task, at the moment. */
export type DecideTask = (
  exchange: Exchange,
  tool: string,
) => { readonly allowed: boolean; readonly rule: string };

/** By the server's own ids: what the client calls the task. */
type Known = ReadonlyMap<string, { readonly sealed: string; readonly tool: string }>;

const DROPPED = Buffer.alloc(0);
/** What the server must see is not there: no server gives such an id. */
const nobodys = (): string => `kubectl-mcp/nobody/${randomUUID()}`;

export function createTaskBinding({ seal, owners, decide }: TaskBindingDeps): Pass {
  /** By the request, for its answer is told with the ids that the client knows. */
  const opened = new WeakMap<Exchange, Known>();

  function request(exchange: Exchange): Verdict {
    const { message } = exchange;
    if (!message) return undefined;
    if (message.method.startsWith('tasks/') && message.document.params.has('taskId'))
      return message.era === 'modern' ? openTask(exchange, message) : findTask(exchange, message);
    if (message.method === 'subscriptions/listen') return openSubscribed(exchange, message);
    return undefined;
  }

  function openTask(exchange: Exchange, message: ClientMessage): Verdict {
    const span = message.document.params.get('taskId')!;
    const sealed = message.target ?? '';
    // What the server refuses anyway, it refuses in its own words: a client that does not know tasks, and a method of
    // the era of sessions.
    if (!declaresTasks(message) || message.method === 'tasks/result')
      return rewrite(exchange, replaced(message.raw, span, JSON.stringify(nobodys())));
    const task = seal.open(sealed, exchange.principal.digest);
    if (!task) return unknown(exchange);
    const verdict = judge(exchange, task.tool);
    if (verdict) return verdict;
    opened.set(exchange, new Map([[task.id, { sealed, tool: task.tool }]]));
    return rewrite(exchange, replaced(message.raw, span, JSON.stringify(task.id)));
  }

  function findTask(exchange: Exchange, { target }: ClientMessage): Verdict {
    const tool = owners.toolOf(exchange.principal.digest, target ?? '');
    return tool === undefined ? unknown(exchange) : judge(exchange, tool);
  }

  function judge(exchange: Exchange, tool: string): Verdict {
    exchange.tool = tool;
    const { allowed, rule } = decide(exchange, tool);
    exchange.rule = rule;
    return allowed ? undefined : refuse('task-unknown');
  }

  /** Ids that nobody knows are left out, as a server would. */
  function openSubscribed(exchange: Exchange, { raw }: ClientMessage): Verdict {
    const subscribed = subscribedTasks(raw);
    if (!subscribed) return undefined;
    const known = new Map<string, { sealed: string; tool: string }>();
    for (const sealed of subscribed.ids) {
      const task = seal.open(sealed, exchange.principal.digest);
      if (task && decide(exchange, task.tool).allowed) known.set(task.id, { sealed, tool: task.tool });
    }
    opened.set(exchange, known);
    return rewrite(exchange, replaced(raw, subscribed.list, JSON.stringify([...known.keys()])));
  }

  function result(exchange: Exchange): ResultEditor | undefined {
    const { message, head } = exchange;
    if (head.method === 'GET') return (each) => ownNotification(each, exchange);
    if (message?.kind !== 'request') return undefined;
    if (message.method === 'tools/call') return creation(exchange, message);
    if (message.method === 'tasks/list') return (each) => ownList(each, exchange);
    const known = opened.get(exchange);
    if (message.method === 'subscriptions/listen')
      return message.era === 'modern' ? (each) => listened(each, exchange) : undefined;
    if (!known)
      return message.method === 'tasks/result'
        ? letsLargePass((each) => ownNotification(each, exchange))
        : undefined;
    return (each) => {
      const told = toldTask(each);
      const task = told && known.get(told.id);
      return task ? replaced(each, told.span, JSON.stringify(task.sealed)) : each;
    };
  }

  /** Only calls that may make a task are looked at, and those of any size are let through. */
  function creation(exchange: Exchange, message: ClientMessage): ResultEditor | undefined {
    const owner = exchange.principal.digest;
    const tool = message.target ?? '';
    const { era } = message;
    if (era === 'modern' ? !declaresTasks(message) : !message.document.params.has('task')) return undefined;
    return letsLargePass((each) => {
      const made = madeTask(each, era);
      if (!made) return era === 'legacy' ? ownNotification(each, exchange) : each;
      exchange.task = made.id;
      if (era === 'modern')
        return replaced(each, made.span, JSON.stringify(seal.seal({ id: made.id, tool }, owner)));
      owners.add(owner, made.id, tool);
      return each;
    });
  }

  /** Of tasks of sessions. */
  function ownNotification(message: Buffer, exchange: Exchange): Buffer {
    const notified = notifiedTask(message);
    return notified && !isOwn(exchange, notified.id) ? DROPPED : message;
  }

  function isOwn(exchange: Exchange, id: string): boolean {
    const tool = owners.toolOf(exchange.principal.digest, id);
    return tool !== undefined && decide(exchange, tool).allowed;
  }

  function ownList(message: Buffer, exchange: Exchange): Buffer {
    const listed = listedTasks(message);
    if (!listed) return message;
    const kept = listed.tasks
      .filter(({ id }) => isOwn(exchange, id))
      .map(({ span }) => message.toString('utf8', span.start, span.end));
    return replaced(message, listed.list, `[${kept.join(',')}]`);
  }

  function listened(message: Buffer, exchange: Exchange): Buffer {
    const known: Known = opened.get(exchange) ?? new Map();
    const notified = notifiedTask(message);
    if (notified) {
      const task = known.get(notified.id);
      return task && decide(exchange, task.tool).allowed
        ? replaced(message, notified.span, JSON.stringify(task.sealed))
        : DROPPED;
    }
    const agreed = message.includes('"taskIds"') ? subscribedTasks(message) : undefined;
    if (!agreed) return message;
    const ids = agreed.ids.flatMap((id) => known.get(id)?.sealed ?? []);
    return replaced(message, agreed.list, JSON.stringify(ids));
  }

  return { name: 'tasks', needs: ['request', 'result'], request, result };
}

/** Results of tools have any size; what is edited among them is small. */
const letsLargePass = (edit: (message: Buffer) => Buffer): ResultEditor =>
  Object.assign(edit, { largePass: true as const });

function unknown(exchange: Exchange): Verdict {
  exchange.rule = 'task-unknown';
  return refuse('task-unknown');
}

/** What is sent in place of what came, in the body and in the header that repeats it. */
function rewrite(exchange: Exchange, raw: Buffer): Verdict {
  const message = readClientMessage(raw);
  if ('reason' in message) return message;
  exchange.message = message;
  const { headers } = exchange.head;
  if (headers['mcp-name'] !== undefined && message.target !== undefined)
    headers['mcp-name'] = mirroredHeader(message.target);
  return undefined;
}
