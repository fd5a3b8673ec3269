/** Answers of the server's to messages of one batch: what stands in an array must be JSON, and name its request. */
import { members } from '../json/members.ts';
import { refusalBody, refuse } from '../reasons.ts';

/** A whole JSON answer as it is; an error that could not name its request gets the request's id. */
export function answerIn(body: Buffer, id: string): Buffer {
  return isAnswerTo(body, id) ? body : errorIn(body, id, 'the body is not a JSON-RPC response');
}

/** The error in a body that names no request, as that of the request with this id. @param otherwise what is wrong where there is none */
export function errorIn(body: Buffer, id: string, otherwise: string): Buffer {
  const error = parsed(body)?.['error'];
  if (typeof error !== 'object' || error === null)
    return Buffer.from(refusalBody(refuse('upstream-not-mcp', otherwise), id));
  const { start, end } = members(body).get('error')!;
  return Buffer.concat([
    Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":`),
    body.subarray(start, end),
    Buffer.from('}'),
  ]);
}

export function isAnswerTo(data: Buffer, id: string): boolean {
  const message = parsed(data);
  return message !== undefined && !('method' in message) && message['id'] === JSON.parse(id);
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
