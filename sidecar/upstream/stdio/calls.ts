import type { ResponseHead } from '../http-response.ts';
import type { UpstreamEvents, UpstreamRequest } from '../upstream-call.ts';
import { messageEvent } from '../../sse.ts';
import type { LinkSession } from './link-session.ts';

/** A request that a process has, as long as it has not been answered. */
export interface Call {
  readonly wireId: number;
  /** Raw JSON; the client's own. */
  readonly id: string;
  readonly method: string;
  readonly request: Pick<UpstreamRequest, 'listens'>;
  /** Raw JSON of the client's own. */
  readonly token: string | undefined;
  readonly events: UpstreamEvents;
  readonly session: LinkSession | undefined;
  readonly isModern: boolean;
  /** Headers of its answer, which is a JSON body then. */
  readonly headers: ReadonlyMap<string, string> | undefined;
  started: boolean;
  /** Since when its client takes nothing, and how much has come for it since. */
  pausedAtMs: number | undefined;
  pausedBytes: number;
  /** By `performance.now()`: when it was sent, or something came for it. */
  aliveMs: number;
}

export const JSON_HEADERS: ReadonlyMap<string, string> = new Map([['content-type', 'application/json']]);
export const STREAM_HEAD: ResponseHead = {
  status: 200,
  headers: new Map([['content-type', 'text/event-stream']]),
};

/** A message on the call's own event stream; one whose answer is a JSON body has none. */
export function stream(call: Call, data: Buffer): void {
  if (call.headers) return;
  call.aliveMs = performance.now();
  if (!call.started) call.events.head(STREAM_HEAD);
  call.started = true;
  if (call.pausedAtMs !== undefined) call.pausedBytes += data.length;
  call.events.chunk(messageEvent(data));
}

export function answer(call: Call, status: number, body: Buffer): void {
  const { events, headers } = call;
  if (call.started) events.chunk(messageEvent(body));
  else {
    events.head({ status, headers: headers ?? JSON_HEADERS, contentLength: body.length });
    events.chunk(body);
  }
  events.end();
}

const NOT_FOUND = -32601;
const BAD_REQUEST = new Set([-32020, -32021, -32022]);

/** What HTTP says beside an error: in 2026-07-28 some have a status of their own, and a refused `initialize` opens no session. */
export function statusOfError({ isModern, method }: Call, answered: Buffer): number {
  if (method === 'initialize') return 400;
  if (!isModern) return 200;
  const { error } = JSON.parse(answered.toString('utf8')) as { error?: { code?: unknown } };
  return error?.code === NOT_FOUND ? 404 : BAD_REQUEST.has(error?.code as number) ? 400 : 200;
}
