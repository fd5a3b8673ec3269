import type { Exchange, Reply, ReplyHead } from '../exchange.ts';
import { SseSplitter } from '../sse.ts';

/** What a JSON answer is kept up to so that an error in it can be read; larger ones are successes unless they start as errors. */
const MAX_HELD_BYTES = 1024 * 1024;
const MAX_FRAME_BYTES = 1024 * 1024;
const IS_ERROR = Buffer.from('"isError"');
const ERROR = Buffer.from('"error"');

/**
 * Finds out how an exchange went from the bytes that pass, holding none of them back: a JSON-RPC error and a tool's
 * `isError` count also inside a 200 and inside an event stream. Only messages that hold one of the two words are parsed.
 */
export function watchOutcome(exchange: Exchange, reply: Reply): Reply {
  let head: ReplyHead | undefined;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let found = false;
  let splitter: SseSplitter | undefined;

  return {
    head(given) {
      head = given;
      exchange.outcome = outcomeOfStatus(given.status);
      if (given.contentType === 'sse') splitter = new SseSplitter();
      reply.head(given);
    },
    chunk(bytes) {
      reply.chunk(bytes);
      if (splitter) {
        for (const frame of splitter.push(bytes)) if (suspicious(frame.raw)) judge(exchange, frame.data());
        if (splitter.pendingBytes > MAX_FRAME_BYTES) splitter = undefined;
      } else if (head?.contentType === 'json' && heldBytes <= MAX_HELD_BYTES) {
        found ||= suspicious(bytes) || (held.length > 0 && suspicious(border(held, bytes)));
        heldBytes += bytes.length;
        held.push(bytes);
      }
    },
    end() {
      reply.end();
      if (found && heldBytes <= MAX_HELD_BYTES) judge(exchange, Buffer.concat(held));
      held = [];
    },
    fail: (refusal) => reply.fail(refusal),
  };
}

export function outcomeOfStatus(status: number): Exchange['outcome'] {
  if (status < 400) return 'success';
  if (status === 401 || status === 403) return 'denied';
  return status < 500 ? 'failure' : 'error';
}

/** `"isError":false`, which most results say, is no reason to parse them. */
function suspicious(bytes: Buffer): boolean {
  const at = bytes.indexOf(IS_ERROR);
  if (at >= 0 && bytes.toString('latin1', at + IS_ERROR.length, at + IS_ERROR.length + 6) !== ':false')
    return true;
  return bytes.includes(ERROR);
}

/** Where chunks meet, for the words may be cut in pieces, and the pieces be small. */
function border(held: readonly Buffer[], next: Buffer): Buffer {
  let before: Buffer = Buffer.alloc(0);
  for (let index = held.length - 1; index >= 0 && before.length < IS_ERROR.length; index--) {
    before = Buffer.concat([held[index]!.subarray(-IS_ERROR.length), before]);
  }
  return Buffer.concat([before, next.subarray(0, IS_ERROR.length)]);
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
  if (exchange.outcome === 'success') exchange.outcome = 'application_error';
}
