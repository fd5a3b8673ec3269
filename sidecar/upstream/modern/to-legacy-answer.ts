import { SERVER_INFO_KEY, SUBSCRIPTION_KEY } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { asBytes, membersWithout, ofBytes } from '../../json/splice.ts';
import { legacyMade } from './task-answers.ts';
import type { Span } from '../../json/strict-reader.ts';

/** What the server wants to know before it goes on (2026-07-28, multi round-trip requests). */
export interface InputRequired {
  readonly requests: ReadonlyMap<string, { readonly method: string; readonly params: string }>;
  /** Raw JSON. */
  readonly requestState?: string;
}

const OF_2026 = ['resultType', 'ttlMs', 'cacheScope'];
const INVALID_PARAMS = -32602;
const RESOURCE_NOT_FOUND = -32002;

/**
 * A response of 2026-07-28 for a client of the era of sessions, or what it asks for first.
 * @param id raw JSON
 * @throws {TypeError} for what is no response, and for results that the client's era does not have
 */
export function legacyAnswer(
  response: Buffer,
  { id, method }: { id: string; method: string },
): Buffer | InputRequired {
  const top = members(response);
  const error = top.get('error');
  if (error) return errorFor(response, error, { id, method });
  const result = top.get('result');
  if (!result || response[result.start] !== 0x7b) throw new TypeError('neither a result nor an error');
  const inner = members(response, result.start);
  const type = raw(response, inner.get('resultType')) ?? '"complete"';
  if (type === '"input_required"') return inputRequired(response, inner);
  if (type === '"task"') return legacyMade(response, id);
  if (type !== '"complete"') throw new TypeError(`a result of type ${type}, which this client does not know`);
  const meta = withoutMeta(response, inner, SERVER_INFO_KEY);
  const kept = [...membersWithout(response, inner, [...OF_2026, '_meta']), ...meta];
  return ofBytes(`${asBytes(`{"jsonrpc":"2.0","id":${id}`)},"result":{${kept.join(',')}}}`);
}

/** A notification without the id of the subscription that it belongs to. */
export function legacyNotification(notification: Buffer): Buffer {
  const top = members(notification);
  const params = top.get('params');
  if (!params) return notification;
  const inner = members(notification, params.start);
  const kept = [
    ...membersWithout(notification, inner, ['_meta']),
    ...withoutMeta(notification, inner, SUBSCRIPTION_KEY),
  ];
  const rest = membersWithout(notification, top, ['params']);
  return ofBytes(`{${[...rest, `"params":{${kept.join(',')}}`].join(',')}}`);
}

function inputRequired(response: Buffer, inner: ReadonlyMap<string, Span>): InputRequired {
  const asked = inner.get('inputRequests');
  const requests = [...(asked ? members(response, asked.start) : [])].map(([key, { start }]) => {
    const request = members(response, start);
    const method: unknown = JSON.parse(raw(response, request.get('method')) ?? 'null');
    if (typeof method !== 'string') throw new TypeError('an input request without a method');
    return [key, { method, params: raw(response, request.get('params')) ?? '{}' }] as const;
  });
  const requestState = raw(response, inner.get('requestState'));
  return { requests: new Map(requests), ...(requestState === undefined ? {} : { requestState }) };
}

function errorFor(response: Buffer, error: Span, { id, method }: { id: string; method: string }): Buffer {
  const inner = members(response, error.start);
  const given = Number(raw(response, inner.get('code')));
  if (!Number.isInteger(given)) throw new TypeError('an error without a code');
  // What a resource that is not there is called before 2026-07-28.
  const code = method === 'resources/read' && given === INVALID_PARAMS ? RESOURCE_NOT_FOUND : given;
  const rest = membersWithout(response, inner, ['code']);
  return ofBytes(
    `${asBytes(`{"jsonrpc":"2.0","id":${id}`)},"error":{${[`"code":${code}`, ...rest].join(',')}}}`,
  );
}

/** `_meta` without one of its keys; nothing when it is empty then. */
function withoutMeta(from: Buffer, inner: ReadonlyMap<string, Span>, key: string): string[] {
  const meta = inner.get('_meta');
  if (!meta) return [];
  const kept = membersWithout(from, members(from, meta.start), [key]);
  return kept.length > 0 ? [`"_meta":{${kept.join(',')}}`] : [];
}

const raw = (from: Buffer, span: Span | undefined): string | undefined =>
  span && from.toString('utf8', span.start, span.end);
