/** Bytes of a log → its audit records, in order of time. */
import { createLineReader, type Entry } from './read-line.ts';

export interface Tally {
  /** Lines that were cut, or are no JSON. */
  broken: number;
  /** Where the first of them is. */
  firstBroken?: string;
}

export interface ReadOptions {
  /** What messages call the log. */
  readonly title: string;
  readonly tally: Tally;
  readonly wanted: (entry: Entry) => boolean;
  /** The line without what is before it; undefined leaves it out. */
  readonly unwrap?: (line: string) => string | undefined;
}

/** Records are written when their request has ended, and clocks are set: later lines may be earlier by this. */
export const WINDOW_MS = 2_000;
const MAX_HELD = 20_000;
const MAX_LINE_CHARS = 4 * 1024 * 1024;

/** In the order of the log, piece by piece. */
export async function* readEntries(
  chunks: AsyncIterable<Buffer>,
  { title, tally, wanted, unwrap }: ReadOptions,
): AsyncGenerator<Entry[]> {
  const read = createLineReader();
  const decoder = new TextDecoder();
  let rest = '';
  let lines = 0;
  const take = (whole: string, entries: Entry[]): void => {
    lines++;
    const line = unwrap ? unwrap(whole) : whole;
    if (line === undefined) return;
    const found = read(line);
    if (typeof found === 'object') {
      if (wanted(found)) entries.push(found);
    } else if (found === 'broken') {
      tally.broken++;
      tally.firstBroken ??= `line ${lines} of ${title}`;
    }
  };
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const entries: Entry[] = [];
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      take(text.slice(at, text.charCodeAt(end - 1) === 13 ? end - 1 : end), entries);
      at = end + 1;
    }
    // What is that long is no record, and is told as a broken line.
    rest = text.length - at > MAX_LINE_CHARS ? text.slice(at, at + 1024) : text.slice(at);
    if (entries.length > 0) yield entries;
  }
  const last: Entry[] = [];
  if (rest !== '') take(rest, last);
  if (last.length > 0) yield last;
}

/** Sorts within the window; what is later than that stays where it is. */
export async function* inOrder(batches: AsyncIterable<Entry[]>): AsyncGenerator<Entry[]> {
  let held: Entry[] = [];
  for await (const batch of batches) {
    const sorted = isSorted(batch, held.at(-1)?.timeMs ?? -Infinity);
    for (const entry of batch) held.push(entry);
    if (!sorted) held.sort((a, b) => a.timeMs - b.timeMs);
    const limitMs = held.at(-1)!.timeMs - WINDOW_MS;
    const settled = held.findIndex((each) => each.timeMs >= limitMs);
    const count = Math.max(settled, held.length - MAX_HELD);
    if (count === 0) continue;
    yield held.slice(0, count);
    held = held.slice(count);
  }
  if (held.length > 0) yield held;
}

function isSorted(entries: readonly Entry[], fromMs: number): boolean {
  let last = fromMs;
  for (const { timeMs } of entries) {
    if (timeMs < last) return false;
    last = timeMs;
  }
  return true;
}
