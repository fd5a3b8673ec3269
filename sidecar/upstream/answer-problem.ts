import type { ClientMessage } from '../client-message.ts';
import type { ServerConfig } from '../config.ts';
import { refuse, type Refusal } from '../reasons.ts';
import type { ResponseHead } from './http-response.ts';

/** What a header of the server's may say in a message of ours. */
const MAX_QUOTED_CHARS = 200;

/**
 * Why the head of an answer cannot be passed on. Errors of the server's own, 4xx and 5xx, are its word and pass, except
 * 401: a client would take that for a judgement on its own credentials, which the server never sees.
 */
export function headProblem(
  { status, headers }: ResponseHead,
  contentType: 'json' | 'sse' | 'other' | 'none',
  message: ClientMessage | undefined,
  { token }: Pick<ServerConfig['upstream'], 'token'> = {},
): Refusal | undefined {
  if (status >= 300 && status < 400) {
    const location = headers.get('location')?.slice(0, MAX_QUOTED_CHARS);
    const to = location === undefined ? '' : ` to ${location}`;
    return refuse(
      'upstream-redirect',
      `status ${status}${to}; the annotation path names the path of the server`,
    );
  }
  if (status === 401)
    return refuse(
      'upstream-unauthorized',
      token
        ? `status 401 to a token of upstream-token: ${token.mode}`
        : 'status 401; the annotation upstream-headers-secret gives them, or upstream-token',
    );
  if (message?.kind !== 'request' || status >= 300 || contentType === 'json' || contentType === 'sse')
    return undefined;
  const what =
    contentType === 'none' ? 'nothing' : (headers.get('content-type') ?? 'a body without a Content-Type');
  return refuse('upstream-not-mcp', `status ${status} with ${what.slice(0, MAX_QUOTED_CHARS)}`);
}

/**
 * Why a whole JSON body is not the answer to the request with this id (raw JSON). A client drops an answer with another
 * id and waits for ever; and where the ids of two callers have got mixed up, neither must get the other's.
 */
export function bodyProblem(body: Buffer, id: string): Refusal | undefined {
  if (saysId(body, id)) return undefined;
  let answer: { id?: unknown; error?: unknown; result?: unknown } | null;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch {
    return refuse('upstream-not-mcp', 'the body is not JSON');
  }
  if (typeof answer !== 'object' || answer === null || !('result' in answer || 'error' in answer))
    return refuse('upstream-not-mcp', 'the body is not a JSON-RPC response');
  // Of a server that could not read the id (JSON-RPC 2.0, section 5).
  if (answer.error !== undefined && (answer.id === null || answer.id === undefined)) return undefined;
  return answer.id === JSON.parse(id)
    ? undefined
    : refuse('upstream-not-mcp', 'the answer has the id of another request');
}

/** Whether the last event of a stream, which may have lost its beginning, is the answer to the request with this id. */
export function endsWithAnswer(stream: string, id: string): boolean {
  const event =
    stream
      .trimEnd()
      .split(/\r?\n\r?\n/)
      .at(-1) ?? '';
  const data = event.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5)] : []));
  try {
    const message = JSON.parse(data.join('\n')) as { id?: unknown; method?: unknown };
    return message.method === undefined && message.id === JSON.parse(id);
  } catch {
    return event.endsWith(`"id":${id}}`);
  }
}

/**
 * As servers write a response: the id behind the version, or last. Both places are members of the message itself; a
 * body that looks otherwise is parsed.
 */
function saysId(body: Buffer, id: string): boolean {
  let end = body.length;
  while (end > 0 && isSpace(body[end - 1]!)) end--;
  if (body[end - 1] !== BRACE) return false;
  const head = `{"jsonrpc":"2.0","id":${id},`;
  if (body.toString('latin1', 0, head.length) === head) return true;
  const tail = `,"id":${id}}`;
  return body.toString('latin1', Math.max(0, end - tail.length), end) === tail;
}

const BRACE = 0x7d;
/** Of JSON. */
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
