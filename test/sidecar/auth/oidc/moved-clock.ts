import type { Clock } from '../../../../sidecar/auth/oidc/clock.ts';

export interface MovedClock extends Clock {
  /** What is due by then is done, in its order. */
  forwardMs(ms: number): void;
}

/** A clock that goes as the others do, and can be moved on. */
export function createMovedClock(): MovedClock {
  let aheadMs = 0;
  const waiting = new Set<{ dueMs: number; what: () => void; timer: NodeJS.Timeout }>();
  const now = (): number => Date.now() + aheadMs;
  return {
    now,
    later(delayMs, what) {
      const entry = {
        dueMs: now() + delayMs,
        what: () => {
          clearTimeout(entry.timer);
          if (waiting.delete(entry)) what();
        },
        timer: setTimeout(() => entry.what(), delayMs).unref(),
      };
      waiting.add(entry);
      return () => {
        clearTimeout(entry.timer);
        waiting.delete(entry);
      };
    },
    forwardMs(ms) {
      aheadMs += ms;
      for (const each of [...waiting].toSorted((a, b) => a.dueMs - b.dueMs))
        if (each.dueMs <= now()) each.what();
    },
  };
}
