import type { ServerResponse } from 'node:http';
import type { Exchange, Refusal, Reply, ReplyHead, Transit } from '../exchange.ts';
import { REASONS, refusalBody } from '../reasons.ts';
import type { EventStream, EventStreams } from './event-streams.ts';

const ONE_WRITE_BYTES = 16 * 1024;

export interface ClientReplyDeps {
  readonly transit: () => Transit | undefined;
  /** Whether the client must use another connection next time: the pod is about to end. */
  readonly closing: () => boolean;
  readonly eventStreams: EventStreams;
}

/**
 * Writes an answer to the client. Bytes go out as they come; a JSON answer that is whole in one piece goes out in one
 * write with its head.
 */
export function createClientReply(
  exchange: Exchange,
  response: ServerResponse,
  { transit, closing, eventStreams }: ClientReplyDeps,
): Reply {
  let waiting: ReplyHead | undefined;
  let first: Buffer | undefined;
  let stream: EventStream | undefined;
  let full = false;

  function writeHead({ status, headers, contentLength }: ReplyHead, length: number | undefined): void {
    const known = status === 204 || status === 304 ? undefined : (length ?? contentLength);
    if (known !== undefined) headers['content-length'] = String(known);
    if (closing()) headers['connection'] = 'close';
    response.writeHead(status, headers);
  }

  function write(bytes: Buffer): void {
    const taken = response.write(bytes);
    stream?.wrote(bytes);
    if (taken || full) return;
    full = true;
    transit()?.pause();
    response.once('drain', () => {
      full = false;
      transit()?.resume();
    });
  }

  return {
    head(head) {
      // A drain ends streams under the server's hands; what it still sends is for nobody.
      if (response.writableEnded) return;
      exchange.status = head.status;
      waiting = head;
      if (head.contentType !== 'sse') return;
      waiting = undefined;
      // Its length, where the server gives one, is not ours: there may be comments, and an event that says what failed.
      const { contentLength: _, ...rest } = head;
      writeHead(rest, undefined);
      stream = eventStreams.open(response);
      // A stream's head is news by itself: the client may wait for it before it sends anything else.
      response.flushHeaders();
    },
    chunk(bytes) {
      if (response.writableEnded) return;
      if (!waiting) return write(bytes);
      if (!first && bytes.length === (waiting.contentLength ?? -1)) {
        first = bytes;
        return;
      }
      writeHead(waiting, undefined);
      waiting = undefined;
      write(bytes);
    },
    end() {
      if (response.writableEnded) return;
      if (waiting) writeHead(waiting, first?.length ?? 0);
      waiting = undefined;
      // As a string of bytes, small answers go out in one write with their head; a buffer would be a second one.
      if (first && first.length <= ONE_WRITE_BYTES) response.end(first.toString('latin1'), 'latin1');
      else response.end(first);
    },
    fail(refusal) {
      if (response.writableEnded) return;
      if (!response.headersSent) return answerRefusal(exchange, response, refusal, closing());
      recordRefusal(exchange, refusal);
      // Half an answer cannot be taken back: the client must see that it is half.
      if (stream && toldInStream(exchange, stream, refusal))
        response.end(`data: ${refusalBody(refusal, exchange.message?.id)}\n\n`);
      else response.destroy();
    },
  };
}

/**
 * Whether a call whose answer is an event stream gets the error as its last event. Not in the middle of another event;
 * not where the client can ask for the rest, unless the server has been told that nobody wants it.
 */
function toldInStream({ message }: Exchange, stream: EventStream, { reason }: Refusal): boolean {
  return (
    message?.kind === 'request' &&
    message.method !== 'subscriptions/listen' &&
    stream.betweenEvents &&
    reason !== 'client-stalled' &&
    (!stream.resumable || reason === 'upstream-timeout')
  );
}

function recordRefusal(exchange: Exchange, { reason, detail }: Refusal): void {
  const { outcome, code, message } = REASONS[reason];
  exchange.outcome = outcome;
  exchange.error = { code, message: detail ? `${message}: ${detail}` : message };
}

/** @param closing whether the client must use another connection next time */
export function answerRefusal(
  exchange: Exchange,
  response: ServerResponse,
  refusal: Refusal,
  closing: boolean,
): void {
  const { status } = REASONS[refusal.reason];
  const body = Buffer.from(refusalBody(refusal, exchange.message?.id));
  exchange.status = status;
  recordRefusal(exchange, refusal);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...refusal.headers,
    ...(closing ? { connection: 'close' } : {}),
  });
  response.end(body);
}
