import { scopeNow } from '../exchange-scope.ts';
import type { HttpPool } from './http-pool.ts';

/** What the server answers comes on connections that others have opened: here it is the exchange's again. */
export function scopedPool(pool: HttpPool): HttpPool {
  return {
    get oneStream() {
      return pool.oneStream ?? false;
    },
    ...(pool.processes ? { processes: pool.processes } : {}),
    send(request, events) {
      const scope = scopeNow();
      if (!scope) return pool.send(request, events);
      return pool.send(request, {
        head: (head) => scope.run(() => events.head(head)),
        chunk: (bytes) => scope.run(() => events.chunk(bytes)),
        end: () => scope.run(() => events.end()),
        fail: (error) => scope.run(() => events.fail(error)),
      });
    },
    close: () => pool.close(),
  };
}
