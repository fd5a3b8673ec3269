/** Server-sent events as bytes: whole events are cut out of a stream without touching what they say. */

/** An event, or a comment, with the blank line that ends it. */
export interface SseFrame {
  readonly raw: Buffer;
  /** The joined `data` lines; undefined on comments and on events without data. */
  data(): Buffer | undefined;
}

/** Cuts a stream into frames; what is left when the stream ends is not an event (HTML, section 9.2.6) and is dropped. */
export class SseSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /** Bytes of the event that is not complete yet. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  push(bytes: Buffer): SseFrame[] {
    // Where the pending part ends in the middle of a line end, the search must start before the border.
    let from = Math.max(0, this.#pending.length - 3);
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, bytes]) : bytes;
    const frames: SseFrame[] = [];
    for (;;) {
      const end = frameEnd(rest, from);
      if (end < 0) break;
      frames.push(frameOf(rest.subarray(0, end)));
      rest = rest.subarray(end);
      from = 0;
    }
    this.#pending = rest;
    return frames;
  }
}

/** The same event with other data; `event:`, `id:` and `retry:` lines stay. */
export function withData(frame: SseFrame, data: Buffer): Buffer {
  const kept = lines(frame.raw)
    .filter((line) => line.length > 0 && !isData(line))
    .map((line) => `${line.toString('utf8')}\n`);
  // JSON holds no raw line end, so it is one data line.
  return Buffer.concat([Buffer.from(`${kept.join('')}data: `), data, Buffer.from('\n\n')]);
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
