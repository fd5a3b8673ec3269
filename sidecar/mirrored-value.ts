import { isUtf8 } from 'node:buffer';

const PREFIX = '=?base64?';
const SUFFIX = '?=';

/** The text that a mirrored header stands for; undefined when it is none (2026-07-28, Value Encoding). */
export function mirroredValue(value: string): string | undefined {
  if (!(value.startsWith(PREFIX) && value.endsWith(SUFFIX)))
    return /^[\t\x20-\x7e]*$/.test(value) ? value : undefined;
  const base64 = value.slice(PREFIX.length, -SUFFIX.length);
  const bytes = Buffer.from(base64, 'base64');
  // Buffer reads on past what is no base64; only what it writes the same way was all of it.
  return bytes.toString('base64') === base64 && isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** A text as a header says it: as it is where that is plain and has one reading, else in base64. */
export function mirroredHeader(text: string): string {
  const plain = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith(PREFIX);
  return plain ? text : `${PREFIX}${Buffer.from(text).toString('base64')}${SUFFIX}`;
}
