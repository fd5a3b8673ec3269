/** Which Events are to be written when: one for each owner and reason, its count gathered between writes. */
import { eventNameOf, isRefusal } from './occurrences.ts';
import type { Occurrence } from './occurrences.ts';

/** About 2 KB each. */
const MAX_ENTRIES = 1_000;
/** Doubled by each write, up to the most: an owner whose pods are refused for a day is a dozen writes an hour. */
const PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 300_000;

export type Entry = {
  /** The latest: its message is shown. */
  occurrence: Occurrence;
  firstMs: number;
  lastMs: number;
  /** How often it happened since it was written. */
  unwritten: number;
  writes: number;
  dueMs: number;
  /** As the API server had it last. */
  stored?: { count: number; resourceVersion: string };
};

export type EventLedger = ReturnType<typeof createEventLedger>;

export function createEventLedger() {
  const entries = new Map<string, Entry>();

  /** The one that is written and has been silent for longest, since those that speak are moved to the end. */
  function makeRoom(): boolean {
    for (const [key, { unwritten }] of entries) if (unwritten === 0) return entries.delete(key);
    return false;
  }

  return {
    /** False: there are too many that could not be written yet, and nobody will be told of it. */
    record: (occurrence: Occurrence, nowMs: number): boolean => {
      const key = `${occurrence.namespace}/${eventNameOf(occurrence)}`;
      const known = entries.get(key);
      if (known) {
        entries.delete(key);
        entries.set(key, known);
        // Of injections the first alone is told.
        if (!isRefusal(occurrence)) return true;
        known.unwritten++;
        Object.assign(known, { occurrence, lastMs: nowMs });
        return true;
      }
      if (entries.size >= MAX_ENTRIES && !makeRoom()) return false;
      const fresh = { occurrence, firstMs: nowMs, lastMs: nowMs, unwritten: 1, writes: 0, dueMs: nowMs };
      entries.set(key, fresh);
      return true;
    },
    /** The first to be written, now or later. */
    next: (): Entry | undefined => {
      let first: Entry | undefined;
      for (const entry of entries.values())
        if (entry.unwritten > 0 && (!first || entry.dueMs < first.dueMs)) first = entry;
      return first;
    },
    /** @param written how many of those that happened; 0: it is tried again. */
    settle: (entry: Entry, written: number, nowMs: number): void => {
      entry.unwritten -= written;
      entry.dueMs = nowMs + Math.min(PAUSE_MS * 2 ** entry.writes, MAX_PAUSE_MS);
      entry.writes++;
    },
  };
}
