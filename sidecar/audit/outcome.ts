import type { Exchange, Reply, ReplyHead } from '../exchange.ts';
import { SseSplitter } from '../sse.ts';

/**
 * Messages up to this size are read when they may tell of an error. Of larger ones nothing is kept, for clients that do
 * not read would fill the memory with them: that a tool failed is seen in them as they pass, its words are not.
 */
const MAX_HELD_BYTES = 64 * 1024;
const IS_ERROR = Buffer.from('"isError"');
const ERROR = Buffer.from('"error"');
const FAILED = /"isError"\s*:\s*true/;
/** Longer than what is searched for. */
const BORDER_BYTES = 32;

/**
 * Finds out how an exchange went from the bytes that pass, holding none of them back: a JSON-RPC error and a tool's
 * `isError` count also inside a 200 and inside an event stream. Only messages that hold one of the two words are parsed.
 */
export function watchOutcome(exchange: Exchange, reply: Reply): Reply {
  let head: ReplyHead | undefined;
  let held: Buffer[] | undefined;
  let heldBytes = 0;
  let splitter: SseSplitter | undefined;
  let large: LargeMessages | undefined;

  function json(bytes: Buffer): void {
    if (large) return large.push(bytes);
    heldBytes += bytes.length;
    if (held) held.push(bytes);
    else held = [bytes];
    if (heldBytes <= MAX_HELD_BYTES) return;
    large = new LargeMessages(exchange);
    for (const each of held) large.push(each);
    held = undefined;
  }

  function events(splitting: SseSplitter, bytes: Buffer): void {
    if (large) return large.push(bytes);
    for (const frame of splitting.push(bytes)) if (suspicious(frame.raw)) judge(exchange, frame.data());
    if (splitting.pendingBytes <= MAX_HELD_BYTES) return;
    large = new LargeMessages(exchange);
    large.push(splitting.pending);
    // Nothing of it is needed any more.
    splitter = new SseSplitter();
  }

  return {
    head(given) {
      head = given;
      exchange.outcome = outcomeOfStatus(given.status);
      if (given.contentType === 'sse') splitter = new SseSplitter();
      reply.head(given);
    },
    chunk(bytes) {
      reply.chunk(bytes);
      if (splitter) events(splitter, bytes);
      else if (head?.contentType === 'json') json(bytes);
    },
    end() {
      reply.end();
      if (!held) return;
      const message = held.length === 1 && held[0] ? held[0] : Buffer.concat(held);
      if (suspicious(message)) judge(exchange, message);
      held = undefined;
    },
    fail: (refusal) => reply.fail(refusal),
  };
}

/** Looks for a tool that failed. A quote inside a text has a backslash before it, so that the words are a member's. */
class LargeMessages {
  readonly #exchange: Exchange;
  /** What came last: the words may be cut in pieces, and the pieces be small. */
  #border: Buffer = Buffer.alloc(0);

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  push(bytes: Buffer): void {
    const seam = Buffer.concat([this.#border, bytes.subarray(0, BORDER_BYTES)]);
    if (saysFailed(seam) || saysFailed(bytes)) failed(this.#exchange);
    this.#border = Buffer.from((bytes.length < BORDER_BYTES ? seam : bytes).subarray(-BORDER_BYTES));
  }
}

export function outcomeOfStatus(status: number): Exchange['outcome'] {
  if (status < 400) return 'success';
  if (status === 401 || status === 403) return 'denied';
  return status < 500 ? 'failure' : 'error';
}

/** `"isError":false`, which most results say, is no reason to parse them. */
function suspicious(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(IS_ERROR); at >= 0; at = bytes.indexOf(IS_ERROR, at + 1))
    if (bytes.toString('latin1', at + IS_ERROR.length, at + IS_ERROR.length + 6) !== ':false') return true;
  return bytes.includes(ERROR);
}

function saysFailed(bytes: Buffer): boolean {
  const at = bytes.indexOf(IS_ERROR);
  return at >= 0 && FAILED.test(bytes.toString('latin1', at));
}

function failed(exchange: Exchange): void {
  if (exchange.outcome === 'success') exchange.outcome = 'application_error';
}

function judge(exchange: Exchange, data: Buffer | undefined): void {
  let message: { error?: { code?: unknown; message?: unknown }; result?: { isError?: unknown } } | null;
  try {
    message = data ? JSON.parse(data.toString('utf8')) : null;
  } catch {
    return;
  }
  if (typeof message?.error === 'object' && message.error !== null) {
    exchange.error = { code: Number(message.error.code), message: String(message.error.message) };
  } else if (message?.result?.isError !== true) return;
  failed(exchange);
}
