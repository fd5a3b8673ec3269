import type { ClientMessage } from '../../client-message.ts';
import { membersWithout, ofBytes } from '../../json/splice.ts';
import { RESERVED_META, RETRY_PARAMS } from './modern-request.ts';
import { METHOD_NOT_FOUND } from '../mcp-request.ts';

const INTERNAL_ERROR = -32603;

/**
 * The request as a server of the era of sessions is sent it. Values keep their bytes; what is per hop goes, and the
 * progress token becomes the id, for clients that share a session choose the same ones.
 */
export function legacyRequest({ raw, document, method }: ClientMessage, id: number): Buffer {
  const { params, meta } = document;
  const rest = membersWithout(raw, params, ['_meta', ...RETRY_PARAMS]);
  const kept = membersWithout(raw, meta, ['progressToken', ...RESERVED_META]);
  if (meta.has('progressToken')) kept.push(`"progressToken":${id}`);
  if (kept.length > 0) rest.push(`"_meta":{${kept.join(',')}}`);
  return ofBytes(
    `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":{${rest.join(',')}}}`,
  );
}

/** What the server is told of a client's answer; `result` is raw JSON. */
export const legacyResponse = (id: string, result: string): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);

export const legacyError = (id: string, code: number, message: string): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)}}}`);

/** Of a question that the client has not declared to take. */
export const cannotBeAsked = (id: string): Buffer =>
  legacyError(id, METHOD_NOT_FOUND, 'the client of this call cannot be asked that');

/** Of a question that the client would have taken. */
export const notAsked = (id: string, why: string): Buffer => legacyError(id, INTERNAL_ERROR, why);
