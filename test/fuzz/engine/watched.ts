import { Worker } from 'node:worker_threads';
import type { Target } from './target.ts';
import type { Job, Outcome } from './worker.ts';

/** Longer than any input may take: those on sockets wait for some seconds before they give up. */
const HANGS_AFTER_MS = 60_000;
const LOOK_MS = 1_000;

/** Fuzzes a target, and takes an input that hangs for a finding. */
export function fuzzWatched(target: Target, job: Omit<Job, 'target' | 'current'>): Promise<Outcome> {
  const current = new SharedArrayBuffer(8 + target.maxBytes);
  const numbers = new Int32Array(current, 0, 2);
  const startedAtMs = Date.now();
  const workerData: Job = { ...job, target: target.name, current };
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData });
  return new Promise((resolve, reject) => {
    let [last, sinceMs] = [0, Date.now()];
    const timer = setInterval(() => {
      const count = Atomics.load(numbers, 0);
      if (count !== last) [last, sinceMs] = [count, Date.now()];
      if (Date.now() - sinceMs < HANGS_AFTER_MS) return;
      stop();
      const input = Uint8Array.from(new Uint8Array(current, 8, numbers[1]));
      resolve({
        executions: count,
        seconds: Math.round((Date.now() - startedAtMs) / 1000),
        kept: [],
        lines: { covered: 0, total: 0 },
        finding: { input, message: `does not come to an end within ${HANGS_AFTER_MS / 1000} s` },
      });
    }, LOOK_MS);
    const stop = (): void => {
      clearInterval(timer);
      void worker.terminate();
    };
    worker.once('message', (outcome: Outcome) => {
      stop();
      resolve(outcome);
    });
    worker.once('error', (error) => {
      stop();
      reject(error);
    });
  });
}
