/** Puts JSON together from pieces that keep their bytes: as text in which each character is a byte of the UTF-8. */
import type { Span } from './strict-reader.ts';

/** Members as they stand in `raw`, without those named. */
export function membersWithout(
  raw: Buffer,
  from: ReadonlyMap<string, Span>,
  without: readonly string[],
): string[] {
  return [...from]
    .filter(([key]) => !without.includes(key))
    .map(([key, { start, end }]) => `${asBytes(JSON.stringify(key))}:${raw.toString('latin1', start, end)}`);
}

/** A text as such pieces are. */
export const asBytes = (text: string): string => Buffer.from(text).toString('latin1');

export const ofBytes = (pieces: string): Buffer => Buffer.from(pieces, 'latin1');
