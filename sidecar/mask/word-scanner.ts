/** Says which of several classes of words are in bytes, in one step for each byte (Aho and Corasick, 1975). */
export interface WordScanner {
  /** @returns the classes of all words that are there, as bits */
  (bytes: Uint8Array, start?: number, end?: number): number;
}

/** @param classes a bit, and its words: of Latin-1, none of them empty */
export function createWordScanner(
  classes: readonly (readonly [bit: number, words: readonly string[]])[],
): WordScanner {
  const next: Int32Array[] = [new Int32Array(256).fill(-1)];
  const found = [0];
  for (const [bit, words] of classes)
    for (const word of words) {
      let state = 0;
      for (const byte of Buffer.from(word, 'latin1')) {
        if (next[state]![byte] === -1) {
          next[state]![byte] = next.length;
          next.push(new Int32Array(256).fill(-1));
          found.push(0);
        }
        state = next[state]![byte]!;
      }
      found[state]! |= bit;
    }
  withFailures(next, found);
  return scannerOf(next, found);
}

/** Where a word goes on no further, the longest end of what was read that begins another one does. */
function withFailures(next: Int32Array[], found: number[]): void {
  const failure = new Int32Array(next.length);
  const queue = [0];
  for (const state of queue) {
    const row = next[state]!;
    const fallback = next[failure[state]!]!;
    found[state]! |= found[failure[state]!]!;
    for (let byte = 0; byte < 256; byte++) {
      const to = row[byte]!;
      if (to === -1) row[byte] = state === 0 ? 0 : fallback[byte]!;
      else {
        failure[to] = state === 0 ? 0 : fallback[byte]!;
        queue.push(to);
      }
    }
  }
}

/** One table, states as the places of their rows; those that end a word are the last of them. */
function scannerOf(next: readonly Int32Array[], found: readonly number[]): WordScanner {
  const order = [...next.keys()].toSorted((a, b) => Math.sign(found[a]!) - Math.sign(found[b]!));
  const place = new Int32Array(next.length);
  for (const [at, state] of order.entries()) place[state] = at;
  const firstFound = order.findIndex((state) => found[state] !== 0) << 8;
  const bits = Uint8Array.from(order, (state) => found[state]!);
  const table = new Int32Array(next.length << 8);
  for (const [at, state] of order.entries())
    for (let byte = 0; byte < 256; byte++) table[(at << 8) | byte] = place[next[state]![byte]!]! << 8;
  return (bytes, start = 0, end = bytes.length) => {
    let state = 0;
    let all = 0;
    for (let at = start; at < end; at++) {
      state = table[state | bytes[at]!]!;
      if (state >= firstFound) all |= bits[state >> 8]!;
    }
    return all;
  };
}
