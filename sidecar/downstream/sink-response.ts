import type { OutgoingHttpHeaders } from 'node:http';
import { Writable } from 'node:stream';
import { SseSplitter } from '../sse.ts';

export interface SinkEvents {
  /** Before the first message. */
  head(status: number, headers: OutgoingHttpHeaders): void;
  /** A whole JSON-RPC message of the answer. @param taken to be called when there is room for more */
  message(data: Buffer, taken: () => void): void;
  /** Of an answer that is no success. */
  refused(status: number, headers: OutgoingHttpHeaders, body: Buffer): void;
  /** Bytes of an answer that is handed out once it is whole. False: it is let go. */
  held?(bytes: number): boolean;
  /** One of these has thrown: of the answer nothing more is told but its end. */
  faulted(error: unknown): void;
  ended(): void;
}

/** Takes an answer as a ServerResponse does, and tells its messages, whichever of the two forms it has. */
export class SinkResponse extends Writable {
  headersSent = false;
  readonly #events: SinkEvents;
  #status = 0;
  #headers: OutgoingHttpHeaders = {};
  #splitter: SseSplitter | undefined;
  readonly #held: Buffer[] = [];

  constructor(events: SinkEvents) {
    super({ decodeStrings: true });
    this.#events = events;
    this.on('error', (error) => events.faulted(error));
    this.once('close', () => {
      try {
        events.ended();
      } catch (error) {
        events.faulted(error);
      }
    });
  }

  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    this.headersSent = true;
    this.#status = status;
    this.#headers = headers;
    if (String(headers['content-type'] ?? '').startsWith('text/event-stream'))
      this.#splitter = new SseSplitter();
    try {
      if (status < 300) this.#events.head(status, headers);
    } catch (error) {
      this.destroy(error as Error);
    }
    return this;
  }

  flushHeaders(): void {}

  writeContinue(): void {}

  /** Whether the answer is an event stream. */
  get wasStream(): boolean {
    return this.#splitter !== undefined;
  }

  override _write(chunk: Buffer, _: string, taken: () => void): void {
    if (!this.#splitter) {
      if (this.#events.held?.(chunk.length) === false) return void this.destroy();
      this.#held.push(chunk);
      return taken();
    }
    // An event without data gives its stream a place to be resumed from, which a sink has no use for.
    const messages = this.#splitter.push(chunk).flatMap((frame) => {
      const data = frame.data();
      return data?.length ? [data] : [];
    });
    let left = messages.length;
    if (left === 0) return taken();
    try {
      for (const each of messages)
        this.#events.message(each, () => {
          if (--left === 0) taken();
        });
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  override _final(done: () => void): void {
    const body = Buffer.concat(this.#held);
    if (this.#status >= 300) this.#events.refused(this.#status, this.#headers, body);
    else if (body.length > 0) return this.#events.message(body, done);
    done();
  }
}
