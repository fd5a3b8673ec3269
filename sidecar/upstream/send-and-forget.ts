import type { HttpPool } from './http-pool.ts';
import type { UpstreamRequest } from './upstream-call.ts';

const TIMEOUT_MS = 5_000;

/** Tells the server something whose arrival nobody waits for. */
export function sendAndForget(pool: HttpPool, request: UpstreamRequest): void {
  const over = (): void => clearTimeout(timer);
  const call = pool.send(request, { head: nothing, chunk: nothing, end: over, fail: over });
  const timer = setTimeout(() => call.abort(), TIMEOUT_MS).unref();
}

function nothing(): void {}
