import { text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { messageEvent } from '../../sse.ts';
import type { ResponseHead } from '../http-response.ts';
import type { UpstreamEvents, UpstreamRequest } from '../upstream-call.ts';
import { UpstreamError } from '../upstream-error.ts';
import { unownedQuestion } from '../unowned-question.ts';
import type { Channel } from './channel.ts';

/** A request on a channel that has no answer yet. */
export interface Waiting {
  readonly request: Pick<UpstreamRequest, 'listens'>;
  readonly events: UpstreamEvents;
  /** Raw JSON; what the server names in progress of this request. */
  readonly progressToken: string | undefined;
  /** Whether its answer is a JSON body or an event stream. */
  readonly form: 'json' | 'sse';
  readonly headers?: ReadonlyMap<string, string>;
  started: boolean;
  /** By `performance.now()`: when it was sent, or something came for it. */
  aliveMs: number;
}

const STREAM_HEAD: ResponseHead = { status: 200, headers: new Map([['content-type', 'text/event-stream']]) };

/** Gives each message of a channel to the request that it belongs to, as streamable HTTP would. */
export class ChannelSession {
  readonly id: string;
  channel: Channel | undefined;
  /** By raw JSON of the id. */
  readonly waiting = new Map<string, Waiting>();
  #listener: UpstreamEvents | undefined;
  #listening = false;
  usedAtMs = performance.now();

  constructor(id: string) {
    this.id = id;
  }

  /** The stream of what belongs to no call; another one takes its place. */
  listen(events: UpstreamEvents): void {
    this.#endListening();
    this.#listener = events;
  }

  /** Unless something has come on it by then. */
  beginListening(events: UpstreamEvents): void {
    if (this.#listener !== events || this.#listening) return;
    this.#listening = true;
    events.head(STREAM_HEAD);
  }

  forget(events: UpstreamEvents): void {
    if (this.#listener !== events) return;
    this.#listener = undefined;
    this.#listening = false;
  }

  get hasListener(): boolean {
    return this.#listener !== undefined;
  }

  #endListening(): void {
    const events = this.#listener;
    if (!events) return;
    this.beginListening(events);
    this.forget(events);
    events.end();
  }

  /** A message of the server's. */
  message(data: Buffer): void {
    this.usedAtMs = performance.now();
    const top = members(data);
    const idSpan = top.get('id');
    const id = idSpan && data.toString('utf8', idSpan.start, idSpan.end);
    const method = text(data, top.get('method'));
    if (method === undefined) return id === undefined ? undefined : this.#answer(id, data);
    const owner = method === 'notifications/progress' ? this.#callWithToken(data) : undefined;
    if (owner) return stream(owner, data);
    // A question for which nobody listens belongs to the only call under way, if it belongs to any.
    const calls = [...this.waiting.values()].filter(({ form }) => form === 'sse');
    const [only] = calls;
    const listener = this.#listener;
    if (listener) {
      this.beginListening(listener);
      listener.chunk(messageEvent(data));
    } else if (only && calls.length === 1) stream(only, data);
    else if (id !== undefined) this.#refuse(id);
  }

  /** Nothing more comes. */
  closed(error: Error): void {
    for (const { events } of this.waiting.values()) events.fail(asUpstream(error));
    this.waiting.clear();
    this.#endListening();
  }

  #answer(id: string, data: Buffer): void {
    const found = this.waiting.get(id);
    this.waiting.delete(id);
    if (!found) return;
    const { events, form, started, headers = new Map() } = found;
    if (form === 'sse' && started) events.chunk(messageEvent(data));
    else {
      const all = new Map([...headers, ['content-type', 'application/json']]);
      events.head({ status: 200, headers: all, contentLength: data.length });
      events.chunk(data);
    }
    events.end();
  }

  #callWithToken(data: Buffer): Waiting | undefined {
    const params = members(data).get('params');
    const span = params && members(data, params.start).get('progressToken');
    const token = span && data.toString('utf8', span.start, span.end);
    return [...this.waiting.values()].find(
      ({ progressToken }) => progressToken !== undefined && progressToken === token,
    );
  }

  #refuse(id: string): void {
    this.channel?.send(unownedQuestion(id), () => undefined);
  }
}

function stream(waiting: Waiting, data: Buffer): void {
  if (waiting.form === 'json') return;
  waiting.aliveMs = performance.now();
  if (!waiting.started) waiting.events.head(STREAM_HEAD);
  waiting.started = true;
  waiting.events.chunk(messageEvent(data));
}

export const asUpstream = (error: Error): UpstreamError =>
  error instanceof UpstreamError ? error : new UpstreamError(error.message);
