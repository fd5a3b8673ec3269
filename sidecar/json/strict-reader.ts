/**
 * Reads the bytes of a client's JSON once, strictly: what it accepts has one reading in every parser.
 *
 * JavaScript keeps the last of two equal keys and Go folds case, so `{"name":"safe","Name":"evil"}` is one tool for a
 * policy and another for the server behind it (CVE-2026-27896 is of this kind). Refused here, before any decision: bad
 * UTF-8, a byte order mark, duplicate keys outside `arguments` and at its top, keys that fold to a protocol key without
 * being it, `__proto__`, depth over 64, and anything that RFC 8259 does not call JSON.
 */
import { isUtf8 } from 'node:buffer';

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

const PROTOCOL_KEYS = (
  'jsonrpc id method params result error name uri arguments ref cursor _meta argument context level notifications ' +
  'inputResponses inputRequests requestState taskId task protocolVersion capabilities clientInfo progressToken ' +
  'requestId structuredContent content io.modelcontextprotocol/protocolVersion io.modelcontextprotocol/clientInfo ' +
  'io.modelcontextprotocol/clientCapabilities io.modelcontextprotocol/logLevel'
).split(' ');
const KNOWN = new Set(PROTOCOL_KEYS);
const fold = (key: string): string => key.normalize('NFKC').replaceAll('\0', '').toLowerCase();
const FOLDED = new Set(PROTOCOL_KEYS.map(fold));

/** How the keys of an object are judged. */
const TOP = 0;
const PARAMS = 1;
const META = 2;
/** Another object of the protocol's: duplicates are refused. */
const UNIQUE = 3;
/** `arguments` itself: duplicates are refused too. */
const ARGUMENTS = 4;
/** Inside `arguments`: the tool's own affair. */
const FREE = 5;
type Level = 0 | 1 | 2 | 3 | 4 | 5;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws {StrictError} */
export function readStrict(bytes: Buffer): StrictDocument {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
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
    this.#object(TOP, 1);
    this.#space();
    if (this.#at < this.#bytes.length) throw this.#unexpected();
  }

  #value(level: Level, depth: number): void {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) this.#string();
    else if (byte === 0x7b) this.#object(level, depth + 1);
    else if (byte === 0x5b) this.#array(level >= ARGUMENTS ? FREE : UNIQUE, depth + 1);
    else if (byte === 0x74) this.#word('true');
    else if (byte === 0x66) this.#word('false');
    else if (byte === 0x6e) this.#word('null');
    else this.#number();
  }

  #object(level: Level, depth: number): void {
    if (depth > MAX_DEPTH) throw new StrictError('not-strict', `nested deeper than ${MAX_DEPTH}`);
    const found =
      level === TOP ? this.top : level === PARAMS ? this.params : level === META ? this.meta : undefined;
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
      const key = this.#key(level);
      if (level !== FREE) {
        // Most objects have one key: a set only from the second on.
        if (found ? found.has(key) : first === key || seen?.has(key))
          throw new StrictError('not-strict', `duplicate key ${JSON.stringify(key)}`);
        if (!found) {
          if (first === undefined) first = key;
          else (seen ??= new Set()).add(key);
        }
      }
      this.#space();
      if (this.#bytes[this.#at++] !== 0x3a) throw this.#unexpected(-1);
      this.#space();
      const start = this.#at;
      this.#value(inner(level, key), depth);
      found?.set(key, { start, end: this.#at });
      this.#space();
      const byte = this.#bytes[this.#at++];
      if (byte === 0x7d) return;
      if (byte !== 0x2c) throw this.#unexpected(-1);
      this.#space();
    }
  }

  #array(level: Level, depth: number): void {
    if (depth > MAX_DEPTH) throw new StrictError('not-strict', `nested deeper than ${MAX_DEPTH}`);
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === 0x5d) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#value(level, depth);
      this.#space();
      const byte = this.#bytes[this.#at++];
      if (byte === 0x5d) return;
      if (byte !== 0x2c) throw this.#unexpected(-1);
      this.#space();
    }
  }

  #key(level: Level): string {
    const start = this.#at;
    const plain = this.#string();
    const key = plain
      ? this.#bytes.toString('latin1', start + 1, this.#at - 1)
      : (JSON.parse(this.#bytes.toString('utf8', start, this.#at)) as string);
    if (plain && KNOWN.has(key)) return key;
    if (key === '__proto__') throw new StrictError('not-strict', 'the key "__proto__"');
    if (!plain && (!key.isWellFormed() || key.includes('\0')))
      throw new StrictError('not-strict', 'a key with a lone surrogate or NUL');
    if (level <= META && !KNOWN.has(key) && FOLDED.has(fold(key)))
      throw new StrictError('not-strict', `the key ${JSON.stringify(key)} reads like one of the protocol's`);
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

  /** The number of bytes after the backslash that belong to the escape. */
  #escape(at: number): number {
    const byte = this.#bytes[at];
    if (byte === 0x75 && /^[0-9A-Fa-f]{4}$/.test(this.#bytes.toString('latin1', at + 1, at + 5))) return 5;
    if (byte !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(byte))) return 1;
    this.#at = at;
    throw this.#unexpected();
  }

  #number(): void {
    const start = this.#at;
    let at = start;
    for (let byte = this.#bytes[at]; byte !== undefined && isNumberByte(byte); byte = this.#bytes[++at]);
    if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(this.#bytes.toString('latin1', start, at)))
      throw this.#unexpected();
    this.#at = at;
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

  #unexpected(offset = 0): StrictError {
    const at = this.#at + offset;
    return new StrictError(
      'not-json',
      at >= this.#bytes.length ? 'unexpected end' : `unexpected byte at ${at}`,
    );
  }
}

function inner(level: Level, key: string): Level {
  if (level === TOP) return key === 'params' ? PARAMS : UNIQUE;
  if (level === PARAMS && key === '_meta') return META;
  if (level === PARAMS && key === 'arguments') return ARGUMENTS;
  return level === ARGUMENTS || level === FREE ? FREE : UNIQUE;
}

const isNumberByte = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x2d ||
  byte === 0x2b ||
  byte === 0x2e ||
  byte === 0x45 ||
  byte === 0x65;
