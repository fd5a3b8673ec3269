/**
 * An event stream to a client of the era of sessions, which may break and be asked for again by the id of the last event
 * that came (2025-11-25, transports: resumability). What it would have said meanwhile is kept, for a while and up to a
 * size; whoever comes later is told that it is gone, and never given half.
 */
import type { Reply, Transit } from '../../exchange.ts';
import { messageEvent } from '../../sse.ts';
import { startStream } from '../own-reply.ts';

export interface StreamEvents extends Pick<Transit, 'pause' | 'resume'> {
  /** Its client has not come back. */
  abandoned(): void;
}

/** Where streams that are kept count. */
export interface KeptStreams {
  /** It waits for its client: where too many do, the one goes that has waited for longest. */
  wait(stream: ResumableStream): void;
  /** It has kept so many bytes more, or fewer. */
  grown(stream: ResumableStream, bytes: number): void;
  drop(stream: ResumableStream): void;
}

/** How long a client may take to come back, and how long what it has been told is kept. */
export const RESUME_MS = 60_000;
const MAX_STREAM_BYTES = 512 * 1024;
/** Of an event beside its bytes, and of a stream without any. */
const EVENT_BYTES = 128;
const STREAM_BYTES = 512;

export class ResumableStream {
  readonly name: string;
  readonly #kept: KeptStreams;
  readonly #events: StreamEvents;
  #reply: Reply | undefined;
  #log: Buffer[] = [];
  /** Number of the first event that is kept. */
  #first = 1;
  #bytes = STREAM_BYTES;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param prime says an id before there is anything to say, which clients of 2025-11-25 know */
  constructor(
    name: string,
    reply: Reply,
    { kept, events, prime }: { kept: KeptStreams; events: StreamEvents; prime: boolean },
  ) {
    this.name = name;
    this.#kept = kept;
    this.#events = events;
    this.#reply = reply;
    startStream(reply);
    if (prime) reply.chunk(Buffer.from(`id: ${name}-0\ndata: \n\n`));
  }

  get waiting(): boolean {
    return !this.#reply && !this.#ended;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get bytes(): number {
    return this.#bytes;
  }

  write(message: Buffer): void {
    if (this.#ended) return;
    const number = this.#first + this.#log.length;
    const event = Buffer.concat([Buffer.from(`id: ${this.name}-${number}\n`), messageEvent(message)]);
    this.#log.push(event);
    let grown = event.length + EVENT_BYTES;
    while (this.#bytes + grown > MAX_STREAM_BYTES && this.#log.length > 0) {
      this.#first++;
      grown -= this.#log.shift()!.length + EVENT_BYTES;
    }
    this.#bytes += grown;
    this.#kept.grown(this, grown);
    this.#reply?.chunk(event);
  }

  /** Nothing more comes: what has been said can still be asked for. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#kept.drop(this), RESUME_MS).unref();
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.end();
  }

  /** The client of this reply is gone; another may have come back before that was seen. */
  detach(reply: Reply): void {
    if (this.#reply !== reply || this.#ended) return;
    this.#reply = undefined;
    this.#events.resume();
    this.#timer = setTimeout(() => this.abandon(), RESUME_MS).unref();
    this.#kept.wait(this);
  }

  /** Nobody can ask for it any more, and nobody is told any more. */
  abandon(): void {
    this.#kept.drop(this);
    if (this.#ended) return;
    this.#ended = true;
    const reply = this.#reply;
    this.#reply = undefined;
    this.#events.abandoned();
    reply?.end();
  }

  /** What its client, which is there, has been told is kept no longer. @returns bytes of it */
  forget(): number {
    const freed = this.#bytes - STREAM_BYTES;
    this.#first += this.#log.length;
    this.#log = [];
    this.#bytes = STREAM_BYTES;
    return freed;
  }

  /** Nothing is kept any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#log = [];
  }

  /** Whether all that came after this event is still there. */
  has(after: number): boolean {
    return after >= this.#first - 1 && after < this.#first + this.#log.length;
  }

  /** The client is back: it gets what came after that event, and what comes. */
  attach(reply: Reply, after: number): Transit {
    if (!this.#ended) clearTimeout(this.#timer);
    const before = this.#reply;
    this.#reply = this.#ended ? undefined : reply;
    before?.end();
    startStream(reply);
    for (const event of this.#log.slice(after - this.#first + 1)) reply.chunk(event);
    if (this.#ended) reply.end();
    return {
      abort: () => this.detach(reply),
      pause: () => this.#events.pause(),
      resume: () => this.#events.resume(),
    };
  }
}
