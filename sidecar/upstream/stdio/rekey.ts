/**
 * The ids of one process's requests are ours: clients that share it choose the same ones, and a late answer must not
 * meet another request of the same id. All other bytes stay as they are.
 */
import { SUBSCRIPTION_KEY, type ClientMessage } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import type { Span } from '../../json/strict-reader.ts';

interface Put {
  readonly span: Span;
  readonly text: string;
}

export interface Rekeyed {
  readonly bytes: Buffer;
  /** Raw JSON of the progress token that the client gave. */
  readonly token?: string;
}

/** With the id as its progress token, too, where it has one. @param message what `body` says, where it has been read */
export function rekeyedRequest(body: Buffer, id: number, message?: ClientMessage): Rekeyed {
  const top = message?.document.top ?? members(body);
  const idSpan = top.get('id');
  if (!idSpan) return { bytes: body };
  const tokenSpan = message ? message.document.meta.get('progressToken') : metaOf(body, top, 'progressToken');
  const puts = [{ span: idSpan, text: String(id) }];
  if (!tokenSpan) return { bytes: withTexts(body, puts) };
  puts.push({ span: tokenSpan, text: String(id) });
  return { bytes: withTexts(body, puts), token: body.toString('utf8', tokenSpan.start, tokenSpan.end) };
}

export const withId = (answer: Buffer, span: Span, id: string): Buffer =>
  withTexts(answer, [{ span, text: id }]);

/** A notification with the client's own token or subscription id. */
export function withParamText(notification: Buffer, span: Span, text: string): Buffer {
  return withTexts(notification, [{ span, text }]);
}

/** Where a message names the subscription that it belongs to (2026-07-28): in `_meta` of its params, or of its result. */
export function subscriptionIn(message: Buffer, part: 'params' | 'result'): Span | undefined {
  const outer = members(message).get(part);
  const meta = outer && members(message, outer.start).get('_meta');
  return meta && members(message, meta.start).get(SUBSCRIPTION_KEY);
}

function metaOf(body: Buffer, top: ReadonlyMap<string, Span>, key: string): Span | undefined {
  const params = top.get('params');
  const meta = params && members(body, params.start).get('_meta');
  return meta && members(body, meta.start).get(key);
}

function withTexts(bytes: Buffer, puts: readonly Put[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { span, text } of puts.toSorted((a, b) => a.span.start - b.span.start)) {
    parts.push(bytes.subarray(at, span.start), Buffer.from(text));
    at = span.end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
