import { SERVER_INFO_KEY, SUBSCRIPTION_KEY } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { asBytes, membersWithout, ofBytes } from '../../json/splice.ts';
import type { Span } from '../../json/strict-reader.ts';
import type { Answer } from '../own-reply.ts';
import { METHOD_NOT_FOUND } from '../mcp-request.ts';

/** Results that say how long they may be kept (2026-07-28, caching). The server has not said: not at all. */
const CACHEABLE = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);
const NOT_CACHED = '"ttlMs":0,"cacheScope":"private"';
const INVALID_PARAMS = -32602;
/** Of the era of sessions; must not be sent any more. */
const RESOURCE_NOT_FOUND = -32002;

export interface AnsweredRequest {
  /** Raw JSON. */
  readonly id: string;
  readonly method: string;
  /** Name or URI. */
  readonly target?: string | undefined;
  readonly serverInfo: unknown;
}

/**
 * The server's response as a client of 2026-07-28 reads it; what the server wrote keeps its bytes.
 * @throws {TypeError} for what is no response
 */
export function modernAnswer(response: Buffer, { id, method, target, serverInfo }: AnsweredRequest): Answer {
  const top = members(response);
  const error = top.get('error');
  if (error)
    return modernError(response, error, { id, uri: method === 'resources/read' ? target : undefined });
  const result = top.get('result');
  if (!result || response[result.start] !== 0x7b) throw new TypeError('neither a result nor an error');
  const inner = members(response, result.start);
  const meta = inner.get('_meta');
  const metaMembers = meta ? members(response, meta.start) : new Map<string, Span>();
  const added = [
    '"resultType":"complete"',
    ...(CACHEABLE.has(method) ? [NOT_CACHED] : []),
    `"_meta":{${[
      `${JSON.stringify(SERVER_INFO_KEY)}:${JSON.stringify(serverInfo ?? null)}`,
      ...membersWithout(response, metaMembers, [SERVER_INFO_KEY]),
    ].join(',')}}`,
  ];
  const kept = membersWithout(response, inner, ['resultType', 'ttlMs', 'cacheScope', '_meta']);
  return {
    status: 200,
    body: ofBytes(`${asBytes(head(id))},"result":{${[...kept, ...added.map(asBytes)].join(',')}}}`),
  };
}

/** An error, or the result of a tool that has failed. */
export function isFailure(response: Buffer): boolean {
  const top = members(response);
  const result = top.get('result');
  if (!result || response[result.start] !== 0x7b) return true;
  const failed = members(response, result.start).get('isError');
  return failed !== undefined && response.toString('latin1', failed.start, failed.end) === 'true';
}

function modernError(
  response: Buffer,
  error: Span,
  { id, uri }: { id: string; uri: string | undefined },
): Answer {
  const inner = members(response, error.start);
  const codeSpan = inner.get('code');
  const given = codeSpan ? Number(response.toString('latin1', codeSpan.start, codeSpan.end)) : NaN;
  if (!Number.isInteger(given)) throw new TypeError('an error without a code');
  const code = given === RESOURCE_NOT_FOUND ? INVALID_PARAMS : given;
  const rest = membersWithout(response, inner, ['code']);
  // Which resource is not there belongs to the error (2026-07-28, resources).
  if (code === INVALID_PARAMS && uri !== undefined && !inner.has('data'))
    rest.push(asBytes(`"data":${JSON.stringify({ uri })}`));
  return {
    status: code === METHOD_NOT_FOUND ? 404 : 200,
    body: ofBytes(`${asBytes(head(id))},"error":{${[`"code":${code}`, ...rest].join(',')}}}`),
  };
}

/** The result that the sidecar itself gives; `members` is JSON. */
export const ownAnswer = (id: string, result: object): Answer => ({
  status: 200,
  body: Buffer.from(`${head(id)},"result":${JSON.stringify({ resultType: 'complete', ...result })}}`),
});

export const ownError = (
  id: string,
  { status, code, message, data }: { status: number; code: number; message: string; data?: unknown },
): Answer => ({
  status,
  body: Buffer.from(`${head(id)},"error":${JSON.stringify({ code, message, data })}}`),
});

/** A notification of the server's with another progress token or with a subscription id, raw JSON both. */
export function withParam(
  notification: Buffer,
  change: { progressToken: string } | { subscriptionId: string },
): Buffer {
  const top = members(notification);
  const params = top.get('params');
  const inner = params ? members(notification, params.start) : new Map<string, Span>();
  let next: string[];
  if ('progressToken' in change) {
    const token = `"progressToken":${asBytes(change.progressToken)}`;
    next = [token, ...membersWithout(notification, inner, ['progressToken'])];
  } else {
    const meta = inner.get('_meta');
    const kept = meta
      ? membersWithout(notification, members(notification, meta.start), [SUBSCRIPTION_KEY])
      : [];
    const subscription = `${JSON.stringify(SUBSCRIPTION_KEY)}:${asBytes(change.subscriptionId)}`;
    next = [
      ...membersWithout(notification, inner, ['_meta']),
      `"_meta":{${[subscription, ...kept].join(',')}}`,
    ];
  }
  return ofBytes(
    `{${[...membersWithout(notification, top, ['params']), `"params":{${next.join(',')}}`].join(',')}}`,
  );
}

const head = (id: string): string => `{"jsonrpc":"2.0","id":${id}`;
