import { randomOf } from '../engine/random.ts';
import { seedOf } from '../engine/random.ts';

const SINGLE_BYTES_MAX = 512;

/** The bytes as they may arrive: whole, one by one, and in pieces. The same bytes give the same pieces. */
export function arrivals(bytes: Buffer): Buffer[][] {
  const random = randomOf(seedOf(bytes));
  const ways: Buffer[][] = [[bytes]];
  if (bytes.length <= SINGLE_BYTES_MAX) ways.push(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
  for (let way = 0; way < 2 && bytes.length > 2; way++) {
    const places = Array.from({ length: 1 + random.int(4) }, () => random.int(bytes.length + 1));
    const sorted = [0, ...places.toSorted((a, b) => a - b), bytes.length];
    ways.push(
      sorted
        .slice(1)
        .map((end, index) => bytes.subarray(sorted[index], end))
        .filter((part) => part.length > 0),
    );
  }
  return ways;
}
