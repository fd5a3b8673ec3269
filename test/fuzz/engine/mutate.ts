import type { Random } from './random.ts';

/** Makes an input of one that was interesting, or of two. */
export function mutate(
  random: Random,
  input: Buffer,
  {
    dictionary,
    others,
    maxBytes,
  }: { dictionary: readonly Buffer[]; others: readonly Buffer[]; maxBytes: number },
): Buffer {
  let bytes = input;
  for (let rounds = 1 + random.int(4); rounds > 0; rounds--) bytes = once(random, bytes, dictionary, others);
  return bytes.subarray(0, maxBytes);
}

function once(
  random: Random,
  bytes: Buffer,
  dictionary: readonly Buffer[],
  others: readonly Buffer[],
): Buffer {
  const at = random.int(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + random.int(random.chance(0.8) ? 4 : 64));
  const replace = (by: Buffer, removed: number): Buffer =>
    Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + removed)]);
  switch (random.int(8)) {
    case 0:
      return replace(Buffer.alloc(0), length);
    case 1:
      return replace(Buffer.from([random.pick(INTERESTING)]), random.int(2));
    case 2:
      return replace(random.bytes(1), 1);
    case 3:
    case 4:
      return dictionary.length > 0
        ? replace(random.pick(dictionary), random.chance(0.5) ? length : 0)
        : bytes;
    case 5: {
      const from = random.int(bytes.length + 1);
      return replace(bytes.subarray(from, from + 1 + random.int(64)), random.chance(0.3) ? length : 0);
    }
    case 6: {
      const other = random.pick(others);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.int(other.length + 1))]);
    }
    default: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at]! ^= 1 << random.int(8);
      return flipped;
    }
  }
}

const INTERESTING = [
  0, 1, 9, 10, 13, 32, 34, 44, 45, 48, 57, 58, 59, 61, 92, 123, 125, 127, 128, 160, 191, 239, 255,
];
