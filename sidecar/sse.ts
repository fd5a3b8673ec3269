/** Server-sent events as bytes: whole events are cut out of a stream without touching what they say. */

/** An event, or a comment, with the blank line that ends it. */
export interface SseFrame {
  readonly raw: Buffer;
  /** The joined `data` lines; undefined on comments and on events without data. */
  data(): Buffer | undefined;
}

/**
 * Byte order marks, as UTF-8 and as UTF-8 that was taken for Latin-1: some clients take one of either kind away and
 * some do not, and what is a `data` line behind it to the first is no field at all to the others.
 */
const MARKS = [Buffer.from('\ufeff'), Buffer.from('\u00ef\u00bb\u00bf')];

const EMPTY = Buffer.alloc(0);

/**
 * Cuts a stream into frames; what is left when the stream ends is not an event (HTML, section 9.2.6) and is dropped.
 * Marks at the start are in no frame, so that the rest has one reading.
 */
export class SseSplitter {
  /** What is pending, and room behind it: a stream in small pieces is not copied anew for each of them. */
  #buffer: Buffer = EMPTY;
  #length = 0;
  #atStart = true;

  /** The event that is not complete yet, as far as it has come. */
  get pending(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get pendingBytes(): number {
    return this.#length;
  }

  push(bytes: Buffer): SseFrame[] {
    // Where the pending part ends in the middle of a line end, the search must start before the border.
    let from = Math.max(0, this.#length - 3);
    const whole = this.#length > 0 ? this.#append(bytes) : bytes;
    let rest = whole;
    if (this.#atStart) {
      rest = this.#withoutMarks(rest);
      from = 0;
    }
    const frames: SseFrame[] = [];
    for (;;) {
      const end = frameEnd(rest, from);
      if (end < 0) break;
      frames.push(frameOf(rest.subarray(0, end)));
      rest = rest.subarray(end);
      from = 0;
    }
    // A slice has no room behind it, so that frames, which are slices too, are never written over.
    if (rest !== whole || this.#length === 0) this.#buffer = rest.length > 0 ? rest : EMPTY;
    this.#length = rest.length;
    return frames;
  }

  #append(bytes: Buffer): Buffer {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#length);
    return this.#buffer.subarray(0, length);
  }

  #withoutMarks(bytes: Buffer): Buffer {
    if (bytes.length > 0 && bytes[0] !== 0xef && bytes[0] !== 0xc3) {
      this.#atStart = false;
      return bytes;
    }
    for (let rest = bytes; ;) {
      const mark = MARKS.find((each) => rest.subarray(0, each.length).equals(each));
      if (!mark) {
        // Half a mark is still undecided; it holds no line end, so it waits with what is pending.
        this.#atStart = MARKS.some((each) => each.subarray(0, rest.length).equals(rest));
        return rest;
      }
      rest = rest.subarray(mark.length);
    }
  }
}

/** The same event with other data; its other lines stay, in their places. It must have data. */
export function withData(frame: SseFrame, data: Buffer): Buffer {
  const parts: Buffer[] = [];
  let written = false;
  for (const line of lines(frame.raw)) {
    if (!isData(line)) parts.push(line, LINE_END);
    else if (!written) {
      // JSON may hold line ends between its tokens: they came as the ends of data lines, and go as such.
      for (const each of linesOf(data)) parts.push(DATA, each, LINE_END);
      written = true;
    }
  }
  return Buffer.concat(parts);
}

const DATA = Buffer.from('data: ');
const LINE_END = Buffer.from('\n');

/** Also the empty one behind the last line end. */
function linesOf(data: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let start = 0;
  for (let end = data.indexOf(LF); end >= 0; end = data.indexOf(LF, start)) {
    found.push(data.subarray(start, end));
    start = end + 1;
  }
  return [...found, data.subarray(start)];
}

function frameOf(raw: Buffer): SseFrame {
  return { raw, data: () => dataOf(raw) };
}

function dataOf(raw: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const line of lines(raw)) {
    if (!isData(line)) continue;
    if (parts.length > 0) parts.push(Buffer.from('\n'));
    parts.push(line.subarray(line[5] === 0x20 ? 6 : 5));
  }
  return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** A `data` line without a colon is one too: an empty one. */
const isData = (line: Buffer): boolean =>
  line[0] === 0x64 &&
  line[1] === 0x61 &&
  line[2] === 0x74 &&
  line[3] === 0x61 &&
  (line[4] === 0x3a || line.length === 4);

const LF = 0x0a;
const CR = 0x0d;

function lines(raw: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let start = 0;
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] !== LF && raw[at] !== CR) continue;
    found.push(raw.subarray(start, at));
    if (raw[at] === CR && raw[at + 1] === LF) at++;
    start = at + 1;
  }
  if (start < raw.length) found.push(raw.subarray(start));
  return found;
}

/** The index behind the first blank line; lines end in LF, CRLF or CR. -1 when there is none yet. */
function frameEnd(bytes: Buffer, from: number): number {
  for (let at = nextLineEnd(bytes, from); at >= 0; at = nextLineEnd(bytes, at + 1)) {
    const after = bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
    if (after >= bytes.length) return -1;
    if (bytes[after] === LF) return after + 1;
    // A CR at the very end may still be followed by its LF.
    if (bytes[after] === CR && after + 1 < bytes.length)
      return bytes[after + 1] === LF ? after + 2 : after + 1;
    if (after > at + 1) at++;
  }
  return -1;
}

function nextLineEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from);
  const cr = bytes.subarray(0, lf < 0 ? bytes.length : lf).indexOf(CR, from);
  return cr >= 0 ? cr : lf;
}

/** Of an event stream that the sidecar itself writes. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** A JSON-RPC message as an event. JSON may hold line ends between its tokens; in an event each line is one of data. */
export const messageEvent = (message: Buffer): Buffer =>
  Buffer.from(
    `event: message\n${message
      .toString('latin1')
      .split(/\r\n|\r|\n/)
      .map((line) => `data: ${line}\n`)
      .join('')}\n`,
    'latin1',
  );
