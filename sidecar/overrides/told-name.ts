import { members } from '../json/members.ts';
import type { Span } from '../json/strict-reader.ts';

/** What is too large to be held goes out as it is. */
export type ToldNameEditor = ((message: Buffer) => Buffer) & { readonly largePass: true };

/**
 * Puts the name that was called where the server's errors say "tool NAME", as those of the SDKs do: a model that reads
 * another calls that next. Other words of the server's stay: the name may be one of them.
 * @param tool the server's own name; of letters that JSON writes as they are
 */
export function createToldNameEditor(tool: string, called: string): ToldNameEditor {
  const said = new RegExp(
    String.raw`\b(tool:? (?:\\?["'\x60])?)${tool.replaceAll('.', String.raw`\.`)}(?![\w./-])`,
    'gi',
  );
  const edit = (message: Buffer): Buffer => {
    if (!message.includes(tool)) return message;
    const span = errorIn(message);
    if (!span) return message;
    const given = message.toString('latin1', span.start, span.end);
    const told = given.replaceAll(said, (_, before: string) => before + called);
    return told === given
      ? message
      : Buffer.concat([
          message.subarray(0, span.start),
          Buffer.from(told, 'latin1'),
          message.subarray(span.end),
        ]);
  };
  return Object.assign(edit, { largePass: true as const });
}

/** Of an answer, of a call's result, and of both where they stand in a task. */
function errorIn(message: Buffer, at?: number, depth = 0): Span | undefined {
  const inside = members(message, at);
  const [isError, result] = [inside.get('isError'), inside.get('result')];
  if (isError && message[isError.start] === TRUE) return inside.get('content');
  return (
    inside.get('error') ??
    (result && message[result.start] === BRACE && depth < 2
      ? errorIn(message, result.start, depth + 1)
      : undefined)
  );
}

/** Of `true`. */
const TRUE = 0x74;
const BRACE = 0x7b;
