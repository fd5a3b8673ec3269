import { members } from '../json/members.ts';
import type { ResultEditor } from '../passes.ts';

/**
 * Puts the name that was called where the server's errors say "tool NAME", as those of the SDKs do: a model that reads
 * another calls that next. Other words of the server's stay: the name may be one of them.
 * @param tool the server's own name; of letters that JSON writes as they are
 */
export function createToldNameEditor(tool: string, called: string): ResultEditor {
  const said = new RegExp(
    String.raw`\b(tool:? (?:\\?["'\x60])?)${tool.replaceAll('.', String.raw`\.`)}(?![\w./-])`,
    'gi',
  );
  const edit = (message: Buffer): Buffer => {
    if (!message.includes(tool)) return message;
    const top = members(message);
    const result = top.get('result');
    const inside = result && members(message, result.start);
    const isError = inside?.get('isError');
    const span =
      top.get('error') ?? (isError && message[isError.start] === TRUE ? inside?.get('content') : undefined);
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

/** Of `true`. */
const TRUE = 0x74;
