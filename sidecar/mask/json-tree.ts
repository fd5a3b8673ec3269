/** JSON as places in its bytes, every one of equal keys included: what is not replaced stays byte for byte. */
import { space } from '../json/members.ts';

export interface JsonNode {
  readonly start: number;
  readonly end: number;
  readonly type: 'string' | 'object' | 'array' | 'number' | 'word';
  /** Of objects: a key for each of `items`. */
  readonly keys?: readonly string[];
  readonly items?: readonly JsonNode[];
}

const MAX_DEPTH = 512;

/** @throws {SyntaxError} for what JSON.parse refuses, {RangeError} for what is deeper than anything is */
export function readJsonTree(bytes: Buffer): JsonNode {
  JSON.parse(bytes.toString('utf8'));
  return read(bytes, space(bytes, 0), 0);
}

/** Known to be valid. */
function read(bytes: Buffer, start: number, depth: number): JsonNode {
  if (depth > MAX_DEPTH) throw new RangeError(`deeper than ${MAX_DEPTH}`);
  const first = bytes[start]!;
  if (first === 0x22) return { start, end: stringEnd(bytes, start), type: 'string' };
  if (first === 0x7b || first === 0x5b) return readItems(bytes, start, depth);
  let end = start;
  while (end < bytes.length && !ENDS.has(bytes[end]!)) end++;
  return { start, end, type: first === 0x2d || (first >= 0x30 && first <= 0x39) ? 'number' : 'word' };
}

const ENDS: ReadonlySet<number> = new Set(Buffer.from(' \t\r\n,]}'));

function readItems(bytes: Buffer, start: number, depth: number): JsonNode {
  const isObject = bytes[start] === 0x7b;
  const keys: string[] = [];
  const items: JsonNode[] = [];
  let at = space(bytes, start + 1);
  while (bytes[at] !== 0x7d && bytes[at] !== 0x5d) {
    if (isObject) {
      const end = stringEnd(bytes, at);
      keys.push(JSON.parse(bytes.toString('utf8', at, end)) as string);
      at = space(bytes, space(bytes, end) + 1);
    }
    const item = read(bytes, at, depth + 1);
    items.push(item);
    at = space(bytes, item.end);
    if (bytes[at] === 0x2c) at = space(bytes, at + 1);
  }
  return { start, end: at + 1, type: isObject ? 'object' : 'array', items, ...(isObject && { keys }) };
}

function stringEnd(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
  return at + 1;
}

export const stringAt = (bytes: Buffer, { start, end }: JsonNode): string =>
  JSON.parse(bytes.toString('utf8', start, end)) as string;
