/** Connections through a proxy that others run (RFC 9110 section 9.3.6). Loaded where one is configured. */
import { connect, isIPv6, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

interface Place {
  readonly host: string;
  readonly port: number;
}

const MAX_HEAD_BYTES = 16 * 1024;
const END = Buffer.from('\r\n\r\n');

/** What is written waits until the proxy has made the connection; one that it refuses is an error of the stream's. */
export class Tunnel extends Duplex {
  readonly #proxy: Socket;
  #head: Buffer = Buffer.alloc(0);
  #open = false;
  #waiting: (() => void) | undefined;

  constructor(proxy: Place, to: Place) {
    super({ allowHalfOpen: false });
    const name = `${isIPv6(to.host) ? `[${to.host}]` : to.host}:${to.port}`;
    this.#proxy = connect({ host: proxy.host, port: proxy.port, noDelay: true });
    this.#proxy
      .on('connect', () => this.#proxy.write(`CONNECT ${name} HTTP/1.1\r\nHost: ${name}\r\n\r\n`))
      .on('data', (bytes: Buffer) => this.#take(bytes))
      .on('end', () => (this.#open ? this.push(null) : this.#refused('ended the connection')))
      .on('error', (error: NodeJS.ErrnoException) =>
        this.#open ? this.destroy(error) : this.#refused(error.code ?? error.message),
      )
      .on('close', () => this.destroy());
  }

  #take(bytes: Buffer): void {
    if (this.#open) {
      if (!this.push(bytes)) this.#proxy.pause();
      return;
    }
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf(END);
    if (end < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) this.#refused('answered nothing that is HTTP');
      return;
    }
    const [line = ''] = this.#head.toString('latin1', 0, end).split('\r\n', 1);
    const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(line)?.[1];
    if (!status?.startsWith('2'))
      return this.#refused(status ? `answered ${status}` : 'answered nothing that is HTTP');
    this.#open = true;
    const rest = this.#head.subarray(end + END.length);
    this.#head = Buffer.alloc(0);
    this.#waiting?.();
    if (rest.length > 0) this.push(rest);
  }

  #refused(words: string): void {
    this.destroy(new Error(`the proxy ${words}`));
  }

  override _write(chunk: Buffer, _: string, taken: (error?: Error | null) => void): void {
    const write = (): void => void this.#proxy.write(chunk, taken);
    if (this.#open) write();
    else this.#waiting = write;
  }

  override _read(): void {
    this.#proxy.resume();
  }

  override _final(done: () => void): void {
    this.#proxy.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#proxy.destroy();
    done(error);
  }
}
