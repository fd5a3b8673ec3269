/** What a line of a server's is, by as few of its bytes as will do: results are not read on their way. */
import { members } from '../../json/members.ts';
import type { Span } from '../../json/strict-reader.ts';

export type ServerLine =
  | { readonly kind: 'answer'; readonly id: string; readonly idSpan: Span; readonly isError: boolean }
  | {
      readonly kind: 'request' | 'notification';
      readonly method: string;
      /** Raw JSON; of requests. */
      readonly id: string;
      readonly params: Span | undefined;
    };

/** As servers write an answer: the id before the result (Python, Go, Rust), or last (TypeScript). */
const ID_FIRST = /^\{"jsonrpc":"2\.0","id":(\d{1,15}),"(result|error)":/;
const ID_LAST = /,"id":(\d{1,15})\}$/;
const RESULT_FIRST = /^\{"(result|error)":/;
const HEAD_BYTES = 64;
const TAIL_BYTES = 32;

/** Undefined for what is no message of JSON-RPC 2.0. */
export function readLine(line: Buffer): ServerLine | undefined {
  return quickAnswer(line) ?? read(line);
}

/** Whose answer a line was of which the middle is gone. */
export function answerOf(head: Buffer, tail: Buffer): string | undefined {
  const first = ID_FIRST.exec(head.toString('latin1', 0, HEAD_BYTES));
  if (first) return first[1];
  return RESULT_FIRST.test(head.toString('latin1', 0, HEAD_BYTES))
    ? ID_LAST.exec(tail.toString('latin1').trimEnd())?.[1]
    : undefined;
}

/** In both forms the id can only be the message's own: it stands behind the first brace, or before the last. */
function quickAnswer(line: Buffer): ServerLine | undefined {
  const head = line.toString('latin1', 0, HEAD_BYTES);
  const first = ID_FIRST.exec(head);
  if (first) {
    const [, id = '', kind] = first;
    return { kind: 'answer', id, idSpan: { start: 22, end: 22 + id.length }, isError: kind === 'error' };
  }
  const kind = RESULT_FIRST.exec(head)?.[1];
  if (kind === undefined) return undefined;
  const id = ID_LAST.exec(line.toString('latin1', Math.max(0, line.length - TAIL_BYTES)))?.[1];
  if (id === undefined) return undefined;
  const end = line.length - 1;
  return { kind: 'answer', id, idSpan: { start: end - id.length, end }, isError: kind === 'error' };
}

function read(line: Buffer): ServerLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  const { jsonrpc, method, result, error, id } = (value ?? {}) as Record<string, unknown>;
  if (jsonrpc !== '2.0') return undefined;
  const top = members(line);
  const idSpan = top.get('id');
  const raw = idSpan ? line.toString('utf8', idSpan.start, idSpan.end) : '';
  if (typeof method === 'string') {
    const kind = id === undefined ? 'notification' : 'request';
    return { kind, method, id: raw, params: top.get('params') };
  }
  if (!idSpan || (result === undefined && error === undefined)) return undefined;
  return { kind: 'answer', id: raw, idSpan, isError: error !== undefined };
}
