/** Finds whether any of many words is in bytes, in one step for each byte (Aho and Corasick, 1975). */
export interface WordScanner {
  (bytes: Uint8Array, start?: number, end?: number): boolean;
}

/** @param words of Latin-1, none of them empty */
export function createWordScanner(words: readonly string[]): WordScanner {
  const next: Int32Array[] = [new Int32Array(256).fill(-1)];
  const ends = [false];
  for (const word of words) {
    let state = 0;
    for (const byte of Buffer.from(word, 'latin1')) {
      if (next[state]![byte] === -1) {
        next[state]![byte] = next.length;
        next.push(new Int32Array(256).fill(-1));
        ends.push(false);
      }
      state = next[state]![byte]!;
    }
    ends[state] = true;
  }
  withFailures(next, ends);
  return scannerOf(next, ends);
}

/** Where a word goes on no further, the longest end of what was read that begins another one does. */
function withFailures(next: Int32Array[], ends: boolean[]): void {
  const failure = new Int32Array(next.length);
  const queue = [0];
  for (const state of queue) {
    const row = next[state]!;
    const fallback = next[failure[state]!]!;
    ends[state] ||= ends[failure[state]!]!;
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

/** One table, states as the places of their rows; those that end a word are one state, the last. */
function scannerOf(next: readonly Int32Array[], ends: readonly boolean[]): WordScanner {
  const found = next.length << 8;
  const table = new Int32Array(next.length << 8);
  for (const [state, row] of next.entries())
    for (let byte = 0; byte < 256; byte++)
      table[(state << 8) | byte] = ends[row[byte]!] ? found : row[byte]! << 8;
  return (bytes, start = 0, end = bytes.length) => {
    let state = 0;
    for (let at = start; at < end; at++) {
      state = table[state | bytes[at]!]!;
      if (state === found) return true;
    }
    return false;
  };
}
