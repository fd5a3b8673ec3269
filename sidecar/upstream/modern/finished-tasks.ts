import { randomUUID } from 'node:crypto';

/** A task that the client asked for and the server saw no need of: the result is there. */
export interface FinishedTask {
  readonly response: Buffer;
  /** As `tasks/get` tells it, raw JSON. */
  readonly state: string;
}

export interface FinishedTasks {
  /** Undefined for a result that is too large to be kept. */
  keep(response: Buffer, owner: string, failed: boolean): FinishedTask | undefined;
  find(owner: string, taskId: string): FinishedTask | undefined;
}

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_RESULT_BYTES = 1024 * 1024;
const TTL_MS = 5 * 60_000;
const PREFIX = 'kubectl-mcp-';

/** Kept for five minutes; beyond the bound the oldest go. */
export function createFinishedTasks(maxBytes = MAX_BYTES, now: () => number = Date.now): FinishedTasks {
  const tasks = new Map<string, FinishedTask & { readonly owner: string; readonly keptAtMs: number }>();
  let bytes = 0;

  function makeRoom(): void {
    for (const [id, { response, keptAtMs }] of tasks) {
      if (bytes <= maxBytes && now() - keptAtMs < TTL_MS) return;
      tasks.delete(id);
      bytes -= response.length;
    }
  }

  return {
    keep(response, owner, failed) {
      if (response.length > MAX_RESULT_BYTES) return undefined;
      const taskId = PREFIX + randomUUID();
      const createdAt = new Date(now()).toISOString();
      const status = failed ? 'failed' : 'completed';
      const state = JSON.stringify({ taskId, status, createdAt, lastUpdatedAt: createdAt, ttl: TTL_MS });
      // A copy: the piece would keep the whole of what it was cut from.
      const task = { response: Buffer.from(response), state, owner, keptAtMs: now() };
      tasks.set(taskId, task);
      bytes += response.length;
      makeRoom();
      return task;
    },
    find(owner, taskId) {
      makeRoom();
      const task = tasks.get(taskId);
      return task?.owner === owner ? task : undefined;
    },
  };
}
