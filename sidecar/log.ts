/** Events of a component as one JSON line each on stderr: stdout is the audit log's. */
export type Log = (event: string, fields?: Record<string, unknown>) => void;

/** An event may come this often at once, and then once in each interval: a client or a server that causes one causes no flood. */
const BURST = 20;
const INTERVAL_MS = 3_000;
/** Others choose the words of some errors; container runtimes split lines at 16 KiB. */
const MAX_TEXT_CHARS = 2_048;
const MAX_LINE_CHARS = 16_000;

interface Bucket {
  tokens: number;
  filledAtMs: number;
  suppressed: number;
  timer?: NodeJS.Timeout | undefined;
}

/**
 * Lines over the limit are counted, each event by itself, and the count stands in the next line of that event:
 * `suppressed`.
 * @param write takes a whole line and does not block
 */
export function createLog(
  component: string,
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): Log {
  const buckets = new Map<string, Bucket>();

  function line(event: string, fields: Record<string, unknown>): void {
    const head = { time: new Date().toISOString(), component, event };
    const text = JSON.stringify({ ...head, ...fields }, shortened);
    write(
      `${text.length > MAX_LINE_CHARS ? JSON.stringify({ ...head, cut: text.slice(0, 4_096) }) : text}\n`,
    );
  }

  /** The event may not come again: what was left out is said all the same. */
  function sayLater(event: string, bucket: Bucket): void {
    bucket.timer ??= setTimeout(() => {
      bucket.timer = undefined;
      const { suppressed } = bucket;
      bucket.suppressed = 0;
      if (suppressed > 0) line(event, { suppressed });
    }, INTERVAL_MS).unref();
  }

  return (event, fields = {}) => {
    let bucket = buckets.get(event);
    if (!bucket) buckets.set(event, (bucket = { tokens: BURST, filledAtMs: now(), suppressed: 0 }));
    const atMs = now();
    const earned = Math.floor((atMs - bucket.filledAtMs) / INTERVAL_MS);
    if (earned > 0) {
      bucket.tokens = Math.min(BURST, bucket.tokens + earned);
      bucket.filledAtMs += earned * INTERVAL_MS;
    }
    if (bucket.tokens === 0) {
      bucket.suppressed++;
      return sayLater(event, bucket);
    }
    bucket.tokens--;
    const { suppressed } = bucket;
    bucket.suppressed = 0;
    line(event, suppressed > 0 ? { ...fields, suppressed } : fields);
  };
}

const shortened = (_key: string, value: unknown): unknown =>
  typeof value === 'string' && value.length > MAX_TEXT_CHARS ? `${value.slice(0, MAX_TEXT_CHARS)}…` : value;
