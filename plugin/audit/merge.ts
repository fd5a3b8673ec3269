/** Many logs in order of time → one. */
import type { Entry } from './read-line.ts';

interface Head {
  readonly index: number;
  readonly iterator: AsyncIterator<readonly Entry[]>;
  batch: readonly Entry[];
  at: number;
}

const BATCH = 1_000;

/** Holds a piece of each. Of one time, those of an earlier source come first. */
export async function* merge(
  sources: readonly AsyncIterable<readonly Entry[]>[],
): AsyncGenerator<readonly Entry[]> {
  const all = sources.map((each, index): Head => ({
    index,
    iterator: each[Symbol.asyncIterator](),
    batch: [],
    at: 0,
  }));
  try {
    const filled = await Promise.all(all.map(fill));
    const heap = all.filter((_, index) => filled[index]);
    for (let at = heap.length >> 1; at >= 0; at--) siftDown(heap, at);
    let out: Entry[] = [];
    while (heap.length > 0) {
      const top = heap[0]!;
      out.push(top.batch[top.at++]!);
      if (top.at === top.batch.length) {
        // The next piece may take its time.
        yield out;
        out = [];
        if (!(await fill(top))) {
          const last = heap.pop()!;
          if (heap.length > 0) heap[0] = last;
        }
      } else if (out.length >= BATCH) {
        yield out;
        out = [];
      }
      siftDown(heap, 0);
    }
  } finally {
    await Promise.all(all.map(({ iterator }) => iterator.return?.()));
  }
}

async function fill(head: Head): Promise<boolean> {
  for (;;) {
    const { done, value } = await head.iterator.next();
    if (done) return false;
    if (value.length === 0) continue;
    head.batch = value;
    head.at = 0;
    return true;
  }
}

function siftDown(heap: Head[], from: number): void {
  for (let at = from; ;) {
    const left = 2 * at + 1;
    let least = at;
    if (left < heap.length && precedes(heap[left]!, heap[least]!)) least = left;
    if (left + 1 < heap.length && precedes(heap[left + 1]!, heap[least]!)) least = left + 1;
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}

function precedes(a: Head, b: Head): boolean {
  const [aMs, bMs] = [a.batch[a.at]!.timeMs, b.batch[b.at]!.timeMs];
  return aMs === bMs ? a.index < b.index : aMs < bMs;
}
