/** Finds parts of JSON that is known to be valid, so that they can be cut out without being written anew. */
import type { Span } from './strict-reader.ts';

/** The members of the object that starts at `at`; the last of equal keys wins, as in JSON.parse. */
export function members(bytes: Buffer, at = 0): Map<string, Span> {
  const found = new Map<string, Span>();
  let cursor = space(bytes, at);
  if (bytes[cursor] !== 0x7b) return found;
  cursor = space(bytes, cursor + 1);
  while (bytes[cursor] === 0x22) {
    const keyEnd = stringEnd(bytes, cursor);
    const key = JSON.parse(bytes.toString('utf8', cursor, keyEnd)) as string;
    const start = space(bytes, space(bytes, keyEnd) + 1);
    const end = valueEnd(bytes, start);
    found.set(key, { start, end });
    cursor = next(bytes, end);
  }
  return found;
}

/** The keys of the object that starts at `at`, as often as they are there. */
export function keysOf(bytes: Buffer, at = 0): string[] {
  const found: string[] = [];
  let cursor = space(bytes, at);
  if (bytes[cursor] !== 0x7b) return found;
  cursor = space(bytes, cursor + 1);
  while (bytes[cursor] === 0x22) {
    const keyEnd = stringEnd(bytes, cursor);
    found.push(JSON.parse(bytes.toString('utf8', cursor, keyEnd)) as string);
    cursor = next(bytes, valueEnd(bytes, space(bytes, space(bytes, keyEnd) + 1)));
  }
  return found;
}

/** The elements of the array that starts at `at`. */
export function elements(bytes: Buffer, at: number): Span[] {
  const found: Span[] = [];
  let cursor = space(bytes, at + 1);
  while (bytes[cursor] !== 0x5d && cursor < bytes.length) {
    const end = valueEnd(bytes, cursor);
    found.push({ start: cursor, end });
    cursor = next(bytes, end);
  }
  return found;
}

function next(bytes: Buffer, end: number): number {
  const cursor = space(bytes, end);
  return bytes[cursor] === 0x2c ? space(bytes, cursor + 1) : cursor;
}

/** Where the value that starts at `start` ends, by its brackets and quotes alone. */
export function valueEnd(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first === 0x22) return stringEnd(bytes, start);
  let at = start;
  if (first !== 0x7b && first !== 0x5b) {
    for (
      let byte = bytes[at];
      byte !== undefined && byte > 0x20 && byte !== 0x2c && byte !== 0x5d && byte !== 0x7d;
      byte = bytes[++at]
    );
    return at;
  }
  for (let depth = 0; at < bytes.length;) {
    const byte = bytes[at];
    if (byte === 0x22) {
      at = stringEnd(bytes, at);
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1;
    at++;
  }
  return at;
}

function stringEnd(bytes: Buffer, start: number): number {
  for (let quote = bytes.indexOf(0x22, start + 1); quote >= 0; quote = bytes.indexOf(0x22, quote + 1)) {
    let backslashes = 0;
    while (bytes[quote - 1 - backslashes] === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return bytes.length;
}

/** The first place from `at` on that is no white space. */
export function space(bytes: Buffer, at: number): number {
  for (
    let byte = bytes[at];
    byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    byte = bytes[++at]
  );
  return at;
}
