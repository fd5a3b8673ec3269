import { members } from '../json/members.ts';

/** The arguments of a call as expressions read them, or why nobody should decide on them. */
export type CallArguments =
  | { readonly value: Readonly<Record<string, unknown>>; readonly keys: ReadonlySet<string> }
  | { readonly problem: string };

/** Rules that read arguments refuse calls with more: what an expression may take is bounded by them. */
const MAX_BYTES = 64 * 1024;
const MAX_VALUES = 2_000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

const NONE: CallArguments = { value: {}, keys: new Set() };

/**
 * Reads `arguments`. Below their top JSON is the tool's own affair and may have keys twice, of which servers take the
 * one or the other: not where rules read them.
 * @param span of the object in `raw`, which is JSON
 */
export function readArguments(raw: Buffer, span: { start: number; end: number } | undefined): CallArguments {
  if (!span) return NONE;
  if (span.end - span.start > MAX_BYTES) return { problem: `the arguments are over ${MAX_BYTES} bytes` };
  const bytes = raw.subarray(span.start, span.end);
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  if (parsed === null) return NONE;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return { problem: 'the arguments are no object' };
  const found: Found = { keys: new Set(), values: 0, members: 0 };
  try {
    const value = asCel(parsed, found) as Record<string, unknown>;
    if (found.members !== countMembers(bytes)) return { problem: 'the arguments have a key twice' };
    return { value, keys: found.keys };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** The same of arguments that are not on their way as bytes. */
export const givenArguments = (value: object): CallArguments => {
  const bytes = Buffer.from(JSON.stringify({ arguments: value }));
  return readArguments(bytes, members(bytes).get('arguments'));
};

interface Found {
  readonly keys: Set<string>;
  values: number;
  members: number;
}

/** Whole numbers are CEL's `int`. Beyond 2^53 JavaScript would read another number than the server. */
function asCel(value: unknown, found: Found): unknown {
  if (++found.values > MAX_VALUES) throw new Error(`the arguments hold more than ${MAX_VALUES} values`);
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return value;
    if (!Number.isSafeInteger(value)) throw new Error('the arguments hold an integer beyond 2^53');
    return BigInt(value);
  }
  if (Array.isArray(value)) return value.map((each) => asCel(each, found));
  if (value === null || typeof value !== 'object') return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    found.keys.add(key);
    found.members++;
    copy[key] = asCel(inner, found);
  }
  return copy;
}

/** Of all objects of a JSON text: each has a colon outside of strings, and nothing else has. */
export function countMembers(bytes: Buffer): number {
  let count = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) inString = !inString;
    else if (inString && byte === BACKSLASH) at++;
    else if (byte === COLON && !inString) count++;
  }
  return count;
}
