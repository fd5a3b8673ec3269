/** Records of several pods that arrive as they come, and leave in order of time. */
import type { Entry } from './read-line.ts';

export interface WaitingRoom {
  /** Waits where nobody takes them out. */
  readonly push: (entries: readonly Entry[]) => Promise<void>;
  /** Those that have waited long enough for earlier ones of other pods. */
  readonly settled: (nowMs: number) => Entry[];
}

const WAIT_MS = 400;
const MAX_WAITING = 20_000;

export function createWaitingRoom(clock: () => number = () => performance.now()): WaitingRoom {
  let waiting: { readonly entry: Entry; readonly arrivedMs: number }[] = [];
  let left = Promise.withResolvers<void>();
  return {
    async push(entries) {
      while (waiting.length >= MAX_WAITING) await left.promise;
      const arrivedMs = clock();
      for (const entry of entries) waiting.push({ entry, arrivedMs });
    },
    settled(nowMs) {
      const isFull = waiting.length >= MAX_WAITING;
      const ripe = waiting.filter(({ arrivedMs }) => isFull || arrivedMs <= nowMs - WAIT_MS);
      if (ripe.length === 0) return [];
      const latestMs = ripe.reduce((latest, { entry }) => Math.max(latest, entry.timeMs), -Infinity);
      const leaves = ({ entry }: { entry: Entry }): boolean => entry.timeMs <= latestMs;
      const leaving = waiting.filter(leaves).map(({ entry }) => entry);
      waiting = waiting.filter((each) => !leaves(each));
      left.resolve();
      left = Promise.withResolvers();
      return leaving.toSorted((a, b) => a.timeMs - b.timeMs);
    },
  };
}
