/** Cuts what a process writes into lines, without touching what they say; one that is too long is never held. */

export interface LineEvents {
  /** Without its end; not empty. */
  line(bytes: Buffer): void;
  /** One that was longer than it may be, by its first and its last bytes. */
  tooLong(head: Buffer, tail: Buffer): void;
  /** One has gone on for so long that it is given up: nothing more is read. */
  endless(): void;
}

const LF = 0x0a;
const CR = 0x0d;
/** Enough to see whose answer a line was. */
const ENDS_BYTES = 256;
/** Times the longest line that is passed on. */
const ENDLESS_LINES = 16;
const EMPTY = Buffer.alloc(0);

export class LineReader {
  readonly #maxBytes: number;
  readonly #events: LineEvents;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #head: Buffer | undefined;
  #tail = EMPTY;
  #skippedBytes = 0;
  #over = false;

  constructor(maxBytes: number, events: LineEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  push(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0 && !this.#over; end = bytes.indexOf(LF, start)) {
      this.#add(bytes.subarray(start, end));
      this.#lineEnds();
      start = end + 1;
    }
    if (start < bytes.length && !this.#over) this.#add(start === 0 ? bytes : bytes.subarray(start));
  }

  #add(part: Buffer): void {
    if (this.#head) return this.#skip(part);
    this.#heldBytes += part.length;
    this.#held.push(part);
    if (this.#heldBytes <= this.#maxBytes) return;
    const line = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#head = Buffer.from(line.subarray(0, ENDS_BYTES));
    this.#skip(line);
  }

  #skip(part: Buffer): void {
    this.#skippedBytes += part.length;
    this.#tail = Buffer.concat([this.#tail, part.subarray(-ENDS_BYTES)]).subarray(-ENDS_BYTES);
    if (this.#skippedBytes <= ENDLESS_LINES * this.#maxBytes) return;
    this.#over = true;
    this.#events.endless();
  }

  #lineEnds(): void {
    const head = this.#head;
    if (head) {
      const tail = this.#tail;
      this.#head = undefined;
      this.#tail = EMPTY;
      this.#skippedBytes = 0;
      return this.#events.tooLong(head, tail);
    }
    const [first = EMPTY] = this.#held;
    const line = this.#held.length > 1 ? Buffer.concat(this.#held) : first;
    this.#held = [];
    this.#heldBytes = 0;
    const end = line.at(-1) === CR ? line.length - 1 : line.length;
    if (end > 0) this.#events.line(end === line.length ? line : line.subarray(0, end));
  }
}
