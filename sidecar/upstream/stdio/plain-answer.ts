import type { UpstreamCall, UpstreamEvents } from '../upstream-call.ts';
import { JSON_HEADERS } from './calls.ts';

/** An answer of ours, not before its sender has the call. */
export function plain(
  events: UpstreamEvents,
  status: number,
  words: string | Buffer = '',
  headers: ReadonlyMap<string, string> = JSON_HEADERS,
): UpstreamCall {
  let gone = false;
  setImmediate(() => {
    if (gone) return;
    const body = Buffer.from(words);
    events.head({ status, headers: body.length > 0 ? headers : new Map(), contentLength: body.length });
    if (body.length > 0) events.chunk(body);
    events.end();
  });
  return { abort: () => void (gone = true), pause: nothing, resume: nothing };
}

function nothing(): void {}
