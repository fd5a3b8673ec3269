import type { ServerResponse } from 'node:http';

/** Event streams that are open towards clients. What the sidecar itself says in them stands between whole events. */
export interface EventStreams {
  open(response: ServerResponse): EventStream;
  /**
   * Sends a last event and ends the stream. Where an event of the server's is half sent there is no place for it:
   * `whole` waits until there is, `now` cuts the stream.
   */
  finish(response: ServerResponse, lastEvent: string, when: 'whole' | 'now'): void;
}

export interface EventStream {
  /** To be called with all bytes that are written, in their order. */
  wrote(bytes: Buffer): void;
  /** Nothing has been sent of an event that is not whole. */
  readonly betweenEvents: boolean;
  /** Its first event has an id, so that a client can go on after a cut (2025-11-25, resumability). */
  readonly resumable: boolean;
}

/**
 * A stream that was silent for this long, or for up to twice as long, gets a comment: load balancers and proxies cut
 * connections on which nothing comes for a minute.
 */
const KEEP_ALIVE_MS = 15_000;
const KEEP_ALIVE = ': keep-alive\n\n';

export function createEventStreams(keepAliveMs = KEEP_ALIVE_MS): EventStreams {
  // An array in which the last takes the place of the one that leaves: most streams are short.
  const streams: Stream[] = [];
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    for (const stream of streams) stream.tick();
    if (streams.length > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    open(response) {
      const stream = new Stream(response);
      stream.index = streams.push(stream) - 1;
      timer ??= setInterval(tick, keepAliveMs).unref();
      response.once('close', () => {
        const last = streams.pop();
        if (last === undefined || last === stream) return;
        streams[stream.index] = last;
        last.index = stream.index;
      });
      return stream;
    },
    finish(response, lastEvent, when) {
      const stream = streams.find((each) => each.response === response);
      // Without a head there is no stream yet, and its client shall ask elsewhere.
      if (!stream) return void (response.headersSent || response.destroy());
      if (stream.betweenEvents || when === 'whole') stream.finish(lastEvent);
      else response.destroy();
    },
  };
}

const LF = 0x0a;
const CR = 0x0d;

class Stream implements EventStream {
  readonly response: ServerResponse;
  index = 0;
  resumable = false;
  /** The last three bytes. */
  #tail = 0;
  #begun = false;
  #silent = false;
  #lastEvent: string | undefined;

  constructor(response: ServerResponse) {
    this.response = response;
  }

  wrote(bytes: Buffer): void {
    if (!this.#begun) this.resumable = startsWithId(bytes);
    this.#begun = true;
    this.#silent = false;
    for (let at = Math.max(0, bytes.length - 3); at < bytes.length; at++)
      this.#tail = ((this.#tail << 8) | bytes[at]!) & 0xffffff;
    if (this.#lastEvent !== undefined) this.finish(this.#lastEvent);
  }

  /** A blank line ends an event (HTML, section 9.2.5); lines end in LF, CR LF or CR, and a CR may have its LF to come. */
  get betweenEvents(): boolean {
    if (!this.#begun) return true;
    const last = this.#tail & 0xff;
    const second = (this.#tail >> 8) & 0xff;
    if (last !== LF) return false;
    if (second === LF) return true;
    const third = this.#tail >> 16;
    return second === CR && (third === LF || third === CR);
  }

  tick(): void {
    if (!this.#silent) this.#silent = true;
    else if (this.betweenEvents && !this.response.writableEnded && !this.response.writableNeedDrain)
      this.response.write(KEEP_ALIVE);
  }

  finish(lastEvent: string): void {
    if (this.response.writableEnded) return;
    this.#lastEvent = lastEvent;
    if (this.betweenEvents) this.response.end(lastEvent || undefined);
  }
}

/** Servers that keep events for later give every event an id. */
function startsWithId(bytes: Buffer): boolean {
  return /^(event:[^\r\n]*(\r\n|\r|\n))?id:/.test(bytes.toString('latin1', 0, 128));
}
