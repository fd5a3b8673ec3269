/**
 * Reads one HTTP/1.1 response of the server from the bytes of a connection (RFC 9112), strictly: whatever leaves room
 * for two readings ends the connection. Pure: bytes in, callbacks out.
 */

export interface ResponseHead {
  readonly status: number;
  /** By lower-case name; repeated fields are joined with a comma (RFC 9110 section 5.3). */
  readonly headers: ReadonlyMap<string, string>;
  /** Bytes of the body, when a Content-Length says so. */
  readonly contentLength?: number;
}

export interface ResponseEvents {
  head(head: ResponseHead): void;
  /** A slice of the connection's own buffer; kept by whoever wants it. */
  chunk(bytes: Buffer): void;
  /** The body is complete; `reusable` says whether the connection may carry another exchange. */
  end(reusable: boolean): void;
}

/** Thrown by the reader for bytes that HTTP does not allow, or that we do not accept from a server. */
export class ResponseError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ResponseError';
  }
}

/** Of the head with its blank line, and of informational responses in front of it. */
export const MAX_HEAD_BYTES = 16 * 1024;
const MAX_CHUNK_LINE_BYTES = 256;

const HEAD = 0;
const FIXED = 1;
const CHUNK_LINE = 2;
const CHUNK_DATA = 3;
const CHUNK_CRLF = 4;
const TRAILERS = 5;
const UNTIL_CLOSE = 6;
const DONE = 7;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_INTERIM = ['content-length', 'transfer-encoding', 'connection', 'proxy-connection'];
/** RFC 9110 section 5.5; whoever takes a control character takes it for something. */
const NOT_IN_VALUES = /[^\t\x20-\x7e\x80-\xff]/;
/** RFC 9112 section 7.1, without the white space that it calls bad. */
const CHUNK_LINE_FORM =
  /^([0-9A-Fa-f]{1,8})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\t\x20!#-[\]-~]*"))?)*$/;

export class ResponseReader {
  readonly #events: ResponseEvents;
  #state = HEAD;
  #pending: Buffer | undefined;
  #left = 0;
  #headBytes = 0;
  #reusable = true;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  get done(): boolean {
    return this.#state === DONE;
  }

  /** True once a byte of the response has been seen: from then on a call may have had its effect. */
  get started(): boolean {
    return this.#state !== HEAD || this.#pending !== undefined;
  }

  /** @throws {ResponseError} */
  push(bytes: Buffer): void {
    let rest: Buffer | undefined = this.#pending ? Buffer.concat([this.#pending, bytes]) : bytes;
    this.#pending = undefined;
    if (this.#state === DONE) throw new ResponseError('bytes after the response');
    while (rest && rest.length > 0 && this.#state !== DONE) rest = this.#step(rest);
    if (this.#state !== DONE) return;
    const over = rest !== undefined && rest.length > 0;
    // Known before the end is told: whoever hears of the end may use the connection at once.
    this.#events.end(this.#reusable && !over);
    if (over) throw new ResponseError('bytes after the response');
  }

  /** The connection ended. @throws {ResponseError} when the response had not. */
  eof(): void {
    if (this.#state === DONE) return;
    if (this.#state !== UNTIL_CLOSE) throw new ResponseError('the connection ended inside the response');
    this.#state = DONE;
    this.#events.end(false);
  }

  /** Handles what it can and returns the rest; what is incomplete is kept. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#state) {
      case HEAD: {
        const end = bytes.indexOf('\r\n\r\n');
        if (this.#headBytes + (end < 0 ? bytes.length : end + 4) > MAX_HEAD_BYTES)
          throw new ResponseError('headers over 16 KiB');
        if (end < 0) return this.#keep(bytes);
        this.#headBytes += end + 4;
        this.#head(bytes.toString('latin1', 0, end));
        return bytes.subarray(end + 4);
      }
      case FIXED:
      case CHUNK_DATA: {
        const chunk = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
        this.#left -= chunk.length;
        this.#events.chunk(chunk);
        if (this.#left === 0) {
          if (this.#state === CHUNK_DATA) this.#state = CHUNK_CRLF;
          else this.#state = DONE;
        }
        return chunk === bytes ? undefined : bytes.subarray(chunk.length);
      }
      case CHUNK_LINE: {
        const line = this.#line(bytes);
        if (line === undefined) return this.#keep(bytes);
        const size = CHUNK_LINE_FORM.exec(line)?.[1];
        if (size === undefined) throw new ResponseError('a chunk without a size');
        this.#left = parseInt(size, 16);
        this.#state = this.#left === 0 ? TRAILERS : CHUNK_DATA;
        return bytes.subarray(line.length + 2);
      }
      case CHUNK_CRLF:
        if (bytes.length < 2) return this.#keep(bytes);
        if (bytes[0] !== 0x0d || bytes[1] !== 0x0a) throw new ResponseError('a chunk longer than its size');
        this.#state = CHUNK_LINE;
        return bytes.subarray(2);
      case TRAILERS: {
        const line = this.#line(bytes);
        if (line === undefined) return this.#keep(bytes);
        if (line === '') this.#state = DONE;
        else {
          trailer(line);
          this.#left += line.length;
        }
        if (this.#left > MAX_HEAD_BYTES) throw new ResponseError('trailers over 16 KiB');
        return bytes.subarray(line.length + 2);
      }
      default:
        this.#events.chunk(bytes);
        return undefined;
    }
  }

  #keep(bytes: Buffer): undefined {
    this.#pending = bytes;
  }

  #line(bytes: Buffer): string | undefined {
    const end = bytes.indexOf('\n');
    if ((end < 0 ? bytes.length : end) > MAX_CHUNK_LINE_BYTES)
      throw new ResponseError('a chunk line that is too long');
    if (end < 0) return undefined;
    if (bytes[end - 1] !== 0x0d) throw new ResponseError('a bare LF');
    return bytes.toString('latin1', 0, end - 1);
  }

  #head(text: string): void {
    const lines = text.split('\r\n');
    const start = /^HTTP\/1\.([01]) ([1-5]\d\d)( [\t\x20-\x7e\x80-\xff]*)?$/.exec(lines[0] ?? '');
    if (!start) throw new ResponseError('not an HTTP/1.1 response');
    const status = Number(start[2]);
    const headers = new Map<string, string>();
    for (let index = 1; index < lines.length; index++) field(lines[index]!, headers);
    const length = headers.get('content-length');
    const coding = headers.get('transfer-encoding');
    // Whatever could end the connection, or the interim response elsewhere, leaves room for two readings.
    if (status === 100 && start[1] === '1' && !NOT_IN_INTERIM.some((name) => headers.has(name))) return;
    if (status < 200) throw new ResponseError(`status ${status}`);
    if (length !== undefined && coding !== undefined)
      throw new ResponseError('both Content-Length and Transfer-Encoding');
    if (length !== undefined && !/^\d{1,15}$/.test(length))
      throw new ResponseError('a Content-Length that is no number');
    if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || start[1] === '0'))
      throw new ResponseError('a Transfer-Encoding other than chunked');
    const connection = headers.get('connection')?.toLowerCase();
    // No field of HTTP's, but llhttp closes on it.
    this.#reusable =
      (start[1] === '1' ? !connection?.includes('close') : connection === 'keep-alive') &&
      !headers.has('proxy-connection');
    const bodiless = status === 204 || status === 304;
    this.#events.head({
      status,
      headers,
      ...(length === undefined || bodiless ? {} : { contentLength: Number(length) }),
    });
    if (bodiless) this.#state = DONE;
    else if (coding !== undefined) this.#state = CHUNK_LINE;
    else if (length === undefined) this.#state = UNTIL_CLOSE;
    else {
      this.#left = Number(length);
      this.#state = this.#left === 0 ? DONE : FIXED;
    }
  }
}

function field(line: string, headers: Map<string, string>): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  // A folded line (RFC 9112 section 5.2) starts with a space and so has no token before its colon either.
  if (!TOKEN.test(name)) throw new ResponseError('a header line without a name');
  const value = withoutSpace(line, colon + 1);
  // Any CR or LF left here is bare, for the head was split at CRLF.
  if (NOT_IN_VALUES.test(value))
    throw new ResponseError('a header with a bare CR, LF, NUL or control character');
  const key = name.toLowerCase();
  const former = headers.get(key);
  if (key === 'content-length' || key === 'transfer-encoding') {
    if (former !== undefined) throw new ResponseError(`two ${name} headers`);
    // White space to the RFC; llhttp takes "chunked\t" for a coding that it does not know, and reads until the end.
    if (line.includes('\t')) throw new ResponseError(`a tab in ${name}`);
  }
  headers.set(key, former === undefined ? value : `${former}, ${value}`);
}

/** Nobody is told of trailers, but they end where HTTP says, and frame nothing (RFC 9110 section 6.5.1). */
function trailer(line: string): void {
  const headers = new Map<string, string>();
  field(line, headers);
  if (headers.has('content-length') || headers.has('transfer-encoding'))
    throw new ResponseError('a trailer that belongs into the head');
}

/** Spaces and tabs alone (RFC 9110 section 5.6.3): trim() takes away bare line ends and what is no space to others. */
function withoutSpace(line: string, from: number): string {
  const isSpace = (at: number): boolean => line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09;
  let start = from;
  let end = line.length;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return line.slice(start, end);
}
