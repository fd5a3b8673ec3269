import type { ClientMessage } from '../../client-message.ts';
import type { Span } from '../../json/strict-reader.ts';
import { RESERVED_META, RETRY_PARAMS } from './modern-request.ts';

/**
 * The request as a server of the era of sessions is sent it. Values keep their bytes; what is per hop goes, and the
 * progress token becomes the id, for clients that share a session choose the same ones.
 */
export function legacyRequest({ raw, document, method }: ClientMessage, id: number): Buffer {
  const { params, meta } = document;
  const rest = cut(raw, params, (key) => key !== '_meta' && !RETRY_PARAMS.includes(key));
  const kept = cut(raw, meta, (key) => key !== 'progressToken' && !RESERVED_META.includes(key));
  if (meta.has('progressToken')) kept.push(`"progressToken":${id}`);
  if (kept.length > 0) rest.push(`"_meta":{${kept.join(',')}}`);
  return Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":{${rest.join(',')}}}`,
    'latin1',
  );
}

/** Members as they stand, each byte a character. */
function cut(raw: Buffer, members: ReadonlyMap<string, Span>, keeps: (key: string) => boolean): string[] {
  return [...members]
    .filter(([key]) => keeps(key))
    .map(
      ([key, { start, end }]) =>
        `${Buffer.from(JSON.stringify(key)).toString('latin1')}:${raw.toString('latin1', start, end)}`,
    );
}

/** What the server is told of a client's answer; `result` is raw JSON. */
export const legacyResponse = (id: string, result: string): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);

export const legacyError = (id: string, code: number, message: string): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)}}}`);
