/** Writes Events, one at a time and never while somebody waits for it; what cannot be written is counted. */
import { ApiError } from './api.ts';
import type { EventApi } from './api.ts';
import { createEventLedger } from './event-ledger.ts';
import type { Entry } from './event-ledger.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { WEBHOOK_NAME } from './names.ts';
import { eventNameOf, isRefusal } from './occurrences.ts';
import type { Occurrence } from './occurrences.ts';

/** Between two writes, whoever they are about: at most 20 a second. */
const PACE_MS = 50;
const ATTEMPTS = 3;
const [IS_MISSING, IS_CONFLICT, IS_BUSY] = [404, 409, 429];

type Stored = { count?: number; metadata: { resourceVersion: string } };
export type EventWriterParts = {
  api: EventApi;
  /** The replica's name. */
  instance: string;
  log: Log;
  metrics: Metrics;
};

/** @returns takes note of an occurrence, and returns at once. */
export function createEventWriter({
  api,
  instance,
  log,
  metrics,
}: EventWriterParts): (each: Occurrence) => void {
  const ledger = createEventLedger();
  let timer: NodeJS.Timeout | undefined;
  let timerMs = 0;
  let isWriting = false;
  let trouble: string | undefined;

  function schedule(): void {
    const next = isWriting ? undefined : ledger.next();
    if (!next) return;
    const atMs = Math.max(next.dueMs, Date.now() + PACE_MS);
    if (timer && timerMs <= atMs) return;
    clearTimeout(timer);
    timerMs = atMs;
    // A process that ends does not wait for it.
    timer = setTimeout(() => void write(next), atMs - Date.now()).unref();
  }

  async function write(entry: Entry): Promise<void> {
    timer = undefined;
    isWriting = true;
    // More may happen while it is written.
    const written = entry.unwritten;
    try {
      await store(entry, written);
      ledger.settle(entry, written, Date.now());
      metrics.countEvent('written');
      trouble = undefined;
    } catch (error) {
      const { message, status = IS_BUSY } = error as Error & { status?: number };
      const isHopeless = status < 500 && status !== IS_BUSY && status !== IS_CONFLICT;
      ledger.settle(entry, isHopeless ? written : 0, Date.now());
      metrics.countEvent('failed');
      // Once, not for each.
      if (trouble === undefined) log('error', 'cannot write Events', { detail: message });
      trouble = message;
    }
    isWriting = false;
    schedule();
  }

  async function store(entry: Entry, written: number): Promise<void> {
    const { namespace } = entry.occurrence;
    const path = `/api/v1/namespaces/${namespace}/events`;
    const own = `${path}/${eventNameOf(entry.occurrence)}`;
    for (let attempt = 1; ; attempt++) {
      try {
        entry.stored = storedOf(
          entry.stored
            ? await api.merge<Stored>(own, changeOf(entry, entry.stored, written))
            : await api.post<Stored>(path, { ...eventOf(entry, instance), count: written }),
        );
        return;
      } catch (error) {
        const status = error instanceof ApiError ? error.status : undefined;
        if (attempt === ATTEMPTS || (status !== IS_CONFLICT && status !== IS_MISSING)) throw error;
        // There is none where the namespace is gone, too.
        if (status === IS_MISSING && !entry.stored) throw error;
        // An Event lives an hour; then it is made anew. What another replica has written is counted on.
        if (status === IS_MISSING) delete entry.stored;
        else entry.stored = storedOf(await api.merge<Stored>(own, {}));
        if (entry.stored && !isRefusal(entry.occurrence)) return;
      }
    }
  }

  return (occurrence) => {
    if (ledger.record(occurrence, Date.now())) schedule();
    else metrics.countEvent('dropped');
  };
}

const storedOf = ({ count = 1, metadata }: Stored): NonNullable<Entry['stored']> => ({
  count,
  resourceVersion: metadata.resourceVersion,
});

/** Refused with 409 when another replica was quicker. */
const changeOf = (
  { occurrence, lastMs }: Entry,
  { count, resourceVersion }: NonNullable<Entry['stored']>,
  written: number,
): object => ({
  metadata: { resourceVersion },
  count: count + written,
  lastTimestamp: timeOf(lastMs),
  message: occurrence.message,
});

/** As core/v1 has it, without eventTime: with that the API server takes it for one that does not change. */
function eventOf({ occurrence, firstMs, lastMs }: Entry, instance: string): object {
  const { namespace, owner, reason, message } = occurrence;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventNameOf(occurrence), namespace },
    involvedObject: { ...owner, namespace },
    type: isRefusal(occurrence) ? 'Warning' : 'Normal',
    reason,
    message,
    source: { component: WEBHOOK_NAME },
    reportingComponent: WEBHOOK_NAME,
    reportingInstance: instance,
    firstTimestamp: timeOf(firstMs),
    lastTimestamp: timeOf(lastMs),
  };
}

/** Without fractions, as the API server keeps it. */
const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, '');
