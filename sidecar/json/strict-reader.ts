/**
 * Reads the bytes of a client's JSON once, strictly: what it accepts has one reading in every parser.
 *
 * JavaScript keeps the last of two equal keys and Go folds case, so `{"name":"safe","Name":"evil"}` is one tool for a
 * policy and another for the server behind it. Refused here, before any decision: bad UTF-8, a byte order mark, half of
 * a surrogate pair, numbers beyond a double, duplicate keys outside `arguments` and at its top, keys that fold to one of
 * the protocol's without being it, `__proto__`, depth over 64, too many members to hold, and anything that RFC 8259 does not call JSON.
 */
import { isUtf8 } from 'node:buffer';
import { codeUnit } from './code-unit.ts';
import { numberEnd } from './number.ts';
import { elements, inside, MESSAGE, readsLikeOne, type Shape } from './shapes.ts';

export const MAX_DEPTH = 64;

/** Thrown by {@link readStrict}. */
export class StrictError extends Error {
  readonly reason: 'not-json' | 'not-strict';
  constructor(reason: 'not-json' | 'not-strict', message: string) {
    super(message);
    this.name = 'StrictError';
    this.reason = reason;
  }
}

/** A value's place in the bytes: `start` inclusive, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Members of the protocol's own objects by name; values stay bytes. */
export interface StrictDocument {
  readonly top: ReadonlyMap<string, Span>;
  readonly params: ReadonlyMap<string, Span>;
  readonly meta: ReadonlyMap<string, Span>;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Of UTF-8 and UTF-16; that of UTF-32 starts as the last of them. */
const BYTE_ORDER_MARKS = [
  [0xef, 0xbb, 0xbf],
  [0xfe, 0xff],
  [0xff, 0xfe],
];
const PROTO = '__proto__';
/** Keys of an object are held while the call is under way where policy reads them, else while the object is read. */
const MAX_MEMBERS_KEPT = 1_000;
const MAX_MEMBERS = 10_000;
/** Refusals quote a key no further. */
const MAX_QUOTED_CHARS = 40;

/** @throws {StrictError} */
export function readStrict(bytes: Buffer): StrictDocument {
  if (BYTE_ORDER_MARKS.some((mark) => mark.every((byte, at) => bytes[at] === byte)))
    throw new StrictError('not-strict', 'byte order mark');
  if (!isUtf8(bytes)) throw new StrictError('not-json', 'not UTF-8');
  const reader = new Reader(bytes);
  reader.document();
  return reader;
}

class Reader implements StrictDocument {
  readonly top = new Map<string, Span>();
  readonly params = new Map<string, Span>();
  readonly meta = new Map<string, Span>();
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  document(): void {
    this.#space();
    if (this.#bytes[this.#at] === 0x5b)
      throw new StrictError('not-strict', 'a batch; send one message at a time');
    if (this.#bytes[this.#at] !== 0x7b) throw this.#unexpected();
    this.#object(MESSAGE, 1);
    this.#space();
    if (this.#at < this.#bytes.length) throw this.#unexpected();
  }

  #value(shape: Shape, depth: number): void {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) this.#string();
    else if (byte === 0x7b) this.#object(shape, depth + 1);
    else if (byte === 0x5b) this.#array(elements(shape), depth + 1);
    else if (byte === 0x74) this.#word('true');
    else if (byte === 0x66) this.#word('false');
    else if (byte === 0x6e) this.#word('null');
    else this.#number();
  }

  #object(shape: Shape, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#notStrict(`nested deeper than ${MAX_DEPTH}`);
    const found = shape.handedOut && this[shape.handedOut];
    let seen: Set<string> | undefined;
    let first: string | undefined;
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === 0x7d) {
      this.#at++;
      return;
    }
    for (;;) {
      if (this.#bytes[this.#at] !== QUOTE) throw this.#unexpected();
      const keyAt = this.#at;
      const key = this.#key(shape);
      if (shape.unique) {
        // Most objects have one key: a set only from the second on.
        if (found ? found.has(key) : first === key || seen?.has(key))
          throw this.#notStrict(`duplicate key ${quoted(key)}`, keyAt);
        if (!found) {
          if (first === undefined) first = key;
          else (seen ??= new Set()).add(key);
        }
        if (found ? found.size >= MAX_MEMBERS_KEPT : seen && seen.size >= MAX_MEMBERS)
          throw this.#notStrict(`more than ${found ? MAX_MEMBERS_KEPT : MAX_MEMBERS} members`, keyAt);
      }
      this.#space();
      if (this.#bytes[this.#at++] !== 0x3a) throw this.#unexpected(-1);
      this.#space();
      const start = this.#at;
      this.#value(inside(shape, key), depth);
      found?.set(key, { start, end: this.#at });
      this.#space();
      const byte = this.#bytes[this.#at++];
      if (byte === 0x7d) return;
      if (byte !== 0x2c) throw this.#unexpected(-1);
      this.#space();
    }
  }

  #array(shape: Shape, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#notStrict(`nested deeper than ${MAX_DEPTH}`);
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === 0x5d) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#value(shape, depth);
      this.#space();
      const byte = this.#bytes[this.#at++];
      if (byte === 0x5d) return;
      if (byte !== 0x2c) throw this.#unexpected(-1);
      this.#space();
    }
  }

  #key(shape: Shape): string {
    const start = this.#at;
    const plain = this.#string();
    // Below the top of `arguments` no other key matters.
    if (plain && !shape.unique && this.#at - start !== PROTO.length + 2) return '';
    const key = plain
      ? this.#bytes.toString('latin1', start + 1, this.#at - 1)
      : (JSON.parse(this.#bytes.toString('utf8', start, this.#at)) as string);
    if (plain && shape.keys.has(key)) return key;
    if (key === PROTO) throw this.#notStrict(`the key "${PROTO}"`, start);
    if (!plain && key.includes('\0')) throw this.#notStrict('a key with NUL', start);
    if (readsLikeOne(shape, key))
      throw this.#notStrict(`the key ${quoted(key)} reads like one of the protocol's`, start);
    return key;
  }

  /** Moves past a string; true when it is ASCII without escapes. */
  #string(): boolean {
    const bytes = this.#bytes;
    let plain = true;
    let at = this.#at + 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte === undefined || byte < 0x20) {
        this.#at = at;
        throw this.#unexpected();
      }
      if (byte === BACKSLASH) {
        plain = false;
        at += this.#escape(at + 1);
      } else if (byte >= 0x80) plain = false;
      at++;
    }
    this.#at = at + 1;
    return plain;
  }

  /** The number of bytes after the backslash that belong to the escape; both halves of a pair count as one. */
  #escape(at: number): number {
    const byte = this.#bytes[at];
    if (byte === 0x75) {
      const unit = codeUnit(this.#bytes, at);
      if (unit !== undefined && (unit < 0xd800 || unit > 0xdfff)) return 5;
      const low = this.#bytes[at + 5] === BACKSLASH ? codeUnit(this.#bytes, at + 6) : undefined;
      if (unit !== undefined && unit < 0xdc00 && low !== undefined && low >= 0xdc00 && low <= 0xdfff)
        return 11;
      // Python refuses it, Go puts U+FFFD in its place, JavaScript keeps it.
      if (unit !== undefined) throw this.#notStrict('a lone surrogate', at - 1);
    } else if (byte !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(byte))) return 1;
    this.#at = at;
    throw this.#unexpected();
  }

  #number(): void {
    const end = numberEnd(this.#bytes, this.#at);
    if (end === undefined) throw this.#unexpected();
    // Infinity in JavaScript and Python, an error in Go, a number elsewhere.
    if (end - this.#at > 4 && !Number.isFinite(Number(this.#bytes.toString('latin1', this.#at, end))))
      throw this.#notStrict('a number beyond a double');
    this.#at = end;
  }

  #word(word: string): void {
    if (this.#bytes.toString('latin1', this.#at, this.#at + word.length) !== word) throw this.#unexpected();
    this.#at += word.length;
  }

  #space(): void {
    for (
      let byte = this.#bytes[this.#at];
      byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
      byte = this.#bytes[++this.#at]
    );
  }

  #notStrict(words: string, at = this.#at): StrictError {
    return new StrictError('not-strict', `${words}, at byte ${at}`);
  }

  #unexpected(offset = 0): StrictError {
    const at = this.#at + offset;
    return new StrictError(
      'not-json',
      at >= this.#bytes.length ? 'unexpected end' : `unexpected byte at ${at}`,
    );
  }
}

const quoted = (key: string): string =>
  JSON.stringify(key.length > MAX_QUOTED_CHARS ? `${key.slice(0, MAX_QUOTED_CHARS)}…` : key);
