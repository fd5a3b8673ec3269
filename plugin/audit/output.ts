/** Records → stdout, no faster than it is read. */
import { once } from 'node:events';
import type { Streams } from '../streams.ts';
import type { Printer } from './printers.ts';
import type { Entry } from './read-line.ts';

export interface Output {
  readonly write: (entries: readonly Entry[]) => Promise<void>;
  readonly end: () => Promise<void>;
  readonly count: () => number;
}

export function createOutput({ out }: Streams, printer: Printer, signal: AbortSignal): Output {
  let count = 0;
  const send = async (text: string): Promise<void> => {
    if (text === '' || out.write(text) || signal.aborted) return;
    await once(out, 'drain', { signal }).catch(() => undefined);
  };
  return {
    async write(entries) {
      count += entries.length;
      await send(printer.print(entries));
    },
    end: () => send(printer.end()),
    count: () => count,
  };
}

/** The last ones; undefined keeps none back. */
export async function* lastOf(
  batches: AsyncIterable<readonly Entry[]>,
  count: number | undefined,
): AsyncGenerator<readonly Entry[]> {
  if (count === undefined) return yield* batches;
  let kept: Entry[] = [];
  for await (const batch of batches) {
    // A piece of a text keeps the whole of it in memory.
    for (const entry of batch) kept.push({ ...entry, json: Buffer.from(entry.json).toString() });
    if (kept.length > 2 * count + 1_000) kept = count === 0 ? [] : kept.slice(-count);
  }
  if (count > 0 && kept.length > 0) yield kept.slice(-count);
}
