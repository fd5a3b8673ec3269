/** Tasks of the extension (2026-07-28), in memory. */
import { randomUUID } from 'node:crypto';

// oxlint-disable-next-line typescript/no-explicit-any -- results are what the tools make of them
type Json = any;

export interface Task {
  readonly taskId: string;
  status: 'working' | 'input_required' | 'completed' | 'cancelled' | 'failed';
  readonly createdAt: string;
  lastUpdatedAt: string;
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
  result?: Json;
  error?: Json;
  inputRequests?: Record<string, Json>;
}

/** What a tool does its work with. */
export interface Work {
  /** Waits for the answers of the client. */
  ask(requests: Record<string, Json>): Promise<Record<string, Json>>;
  /** Aborted when the task is cancelled. */
  readonly signal: AbortSignal;
}

export interface Tasks {
  start(work: (work: Work) => Promise<Json>): Task;
  find(taskId: unknown): Task | undefined;
  update(task: Task, responses: Record<string, Json>): void;
  cancel(task: Task): void;
  /** Calls `listener` with every change; the returned function ends that. */
  listen(listener: (task: Task) => void): () => void;
}

const TTL_MS = 300_000;
const POLL_INTERVAL_MS = 100;

export function createTasks(): Tasks {
  const tasks = new Map<string, Task>();
  const aborts = new Map<string, AbortController>();
  const answers = new Map<string, (key: string, response: Json) => void>();
  const listeners = new Set<(task: Task) => void>();

  function change(task: Task, next: Partial<Task>): void {
    if (isOver(task)) return;
    Object.assign(task, next, { lastUpdatedAt: new Date().toISOString() });
    for (const listener of listeners) listener(task);
  }

  function ask(task: Task, requests: Record<string, Json>): Promise<Record<string, Json>> {
    const given: Record<string, Json> = {};
    return new Promise((resolve) => {
      answers.set(task.taskId, (key, response) => {
        const left = { ...task.inputRequests };
        if (!(key in left)) return;
        given[key] = response;
        delete left[key];
        const done = Object.keys(left).length === 0;
        if (done) delete task.inputRequests;
        change(task, done ? { status: 'working' } : { inputRequests: left });
        if (done) resolve(given);
      });
      change(task, { status: 'input_required', inputRequests: requests });
    });
  }

  return {
    start(work) {
      const createdAt = new Date().toISOString();
      const task: Task = {
        taskId: randomUUID(),
        status: 'working',
        createdAt,
        lastUpdatedAt: createdAt,
        ttlMs: TTL_MS,
        pollIntervalMs: POLL_INTERVAL_MS,
      };
      const abort = new AbortController();
      tasks.set(task.taskId, task);
      aborts.set(task.taskId, abort);
      void work({ ask: (requests) => ask(task, requests), signal: abort.signal }).then(
        (result) => change(task, { status: 'completed', result }),
        (error: Error) => change(task, { status: 'failed', error: { code: -32603, message: error.message } }),
      );
      return { ...task };
    },
    find: (taskId) => tasks.get(String(taskId)),
    update(task, responses) {
      for (const [key, response] of Object.entries(responses)) answers.get(task.taskId)?.(key, response);
    },
    cancel(task) {
      delete task.inputRequests;
      change(task, { status: 'cancelled' });
      aborts.get(task.taskId)?.abort();
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const isOver = ({ status }: Task): boolean => ['completed', 'cancelled', 'failed'].includes(status);
