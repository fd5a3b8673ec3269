/** Whether a server can mean one list for the proxy and another for clients that read JSON otherwise. Pure. */
import { isUtf8 } from 'node:buffer';
import { countMembers } from '../filter/call-arguments.ts';
import { membersOf } from '../filter/told.ts';
import { keysOf, members } from '../json/members.ts';
import { fold } from '../json/shapes.ts';

/** No key twice at any depth, and no byte that each parser replaces by another character. */
export const hasOneReading = (bytes: Buffer, value: unknown): boolean =>
  isUtf8(bytes) && countMembers(bytes) === membersOf(value);

/** @throws {TypeError} where keys stand in for `result`, or in it for `tools`: Go's clients take the last, in any case */
export function checkEnvelope(message: Buffer): void {
  checkKey(message, 0, 'result');
  const result = members(message).get('result');
  if (result) checkKey(message, result.start, 'tools');
}

function checkKey(message: Buffer, at: number, key: string): void {
  const alike = keysOf(message, at).filter((each) => fold(each) === key);
  if (alike.length > 1 || (alike[0] ?? key) !== key)
    throw new TypeError(`has keys that can be read as "${key}"`);
}
