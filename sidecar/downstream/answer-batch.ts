/**
 * Batches of 2025-03-26: each message is an exchange of its own, judged, limited, sent and recorded like one that came
 * alone; their answers go back together, as an array or, once one of them is an event stream, as events.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { ClientMessage } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import { refusalBody, refuse } from '../reasons.ts';
import { EVENT_STREAM_HEADERS, messageEvent } from '../sse.ts';
import { answerIn, errorIn, isAnswerTo } from './batch-parts.ts';
import type { EventStream } from './event-streams.ts';
import type { Load } from './limits.ts';
import { openPassage, type PassageDeps } from './passage.ts';
import { SinkResponse } from './sink-response.ts';

export interface BatchDeps extends PassageDeps {
  /** Of the caller. */
  readonly load: Load;
}

interface Part {
  readonly message: ClientMessage;
  /** Of a request, where it is no event stream. */
  answer?: Buffer;
  answered: boolean;
  heldBytes: number;
  refused?: Refused;
}
interface Refused {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

/** Of answers that wait for the others; event streams are not held. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

/** @param whole the exchange that the batch came in, whose head was judged */
export function answerBatch(
  messages: readonly ClientMessage[],
  whole: Exchange,
  response: ServerResponse,
  deps: BatchDeps,
): void {
  const { inFlight, limits, load, faults } = deps;
  const parts: Part[] = messages.map((message) => ({ message, answered: false, heldBytes: 0 }));
  const sinks = new Set<SinkResponse>();
  const untilDrained: (() => void)[] = [];
  let stream: EventStream | undefined;
  let held = 0;
  let left = parts.length;

  const closing = (): Record<string, string> => (inFlight.draining ? { connection: 'close' } : {});

  function startStream(): void {
    if (stream || response.destroyed) return;
    response.writeHead(200, { ...EVENT_STREAM_HEADERS, ...closing() });
    stream = inFlight.eventStreams.open(response);
    response.flushHeaders();
    for (const part of parts) {
      if (!part.answer) continue;
      emit(part.answer);
      release(part);
    }
  }

  function release(part: Part): void {
    held -= part.heldBytes;
    part.heldBytes = 0;
  }

  function emit(data: Buffer, taken: () => void = nothing): void {
    if (response.destroyed || response.writableEnded) return taken();
    const bytes = messageEvent(data);
    const room = response.write(bytes);
    stream?.wrote(bytes);
    if (room) taken();
    else if (untilDrained.push(taken) === 1)
      response.once('drain', () => {
        for (const each of untilDrained.splice(0)) each();
      });
  }

  /** The one answer to a request. */
  function give(part: Part, answer: Buffer): void {
    part.answered = true;
    if (stream) return emit(answer);
    part.answer = answer;
  }

  function finish(): void {
    if (response.destroyed) return;
    if (stream) return void response.end();
    const requests = parts.filter(({ message }) => message.kind === 'request');
    const [first] = requests.length > 0 ? requests : parts.filter(({ refused }) => refused);
    const status = first?.refused?.status;
    if (requests.length === 0 && !first) return void response.writeHead(202, closing()).end();
    const body =
      requests.length === 0
        ? first!.refused!.body
        : Buffer.from(`[${requests.map(({ answer }) => answer!.toString('latin1')).join(',')}]`, 'latin1');
    // Such as a session that the server has forgotten: clients go by the status.
    const same = status !== undefined && requests.every(({ refused }) => refused?.status === status);
    response.writeHead(same ? status : 200, {
      ...(same ? first?.refused?.headers : {}),
      'content-type': 'application/json',
      'content-length': body.length,
      ...closing(),
    });
    response.end(body);
  }

  function carry(part: Part): void {
    const { message } = part;
    const isRequest = message.kind === 'request';
    let over = false;
    let fault = false;
    const sink = new SinkResponse({
      head() {
        if (isRequest && sink.wasStream) startStream();
      },
      message(data, taken) {
        if (!isRequest) return taken();
        if (sink.wasStream) {
          part.answered ||= isAnswerTo(data, message.id!);
          return emit(data, taken);
        }
        give(part, answerIn(data, message.id!));
        taken();
      },
      refused(status, headers, body) {
        part.refused = { status, headers, body };
        if (isRequest) give(part, errorIn(body, message.id!, `status ${status}`));
      },
      held(bytes) {
        part.heldBytes += bytes;
        held += bytes;
        over = held > MAX_HELD_BYTES;
        return !over;
      },
      faulted(error) {
        faults.report(error, exchange.id);
        fault = true;
        if (response.headersSent || left > 0) return;
        // What all of them were to be put into.
        response.writeHead(500, { 'content-type': 'application/json', ...closing() });
        response.end(refusalBody(refuse('internal-error')));
      },
      ended() {
        sinks.delete(sink);
        if (stream || over) release(part);
        if (isRequest && !part.answered) {
          const why = fault
            ? refuse('internal-error')
            : over
              ? refuse('too-much-under-way', `the answers to a batch are over ${MAX_HELD_BYTES} bytes`)
              : refuse('upstream-broken', 'the answer to a message of a batch has no end');
          give(part, Buffer.from(refusalBody(why, message.id)));
        }
        if (--left === 0) finish();
      },
    });
    sinks.add(sink);
    const exchange: Exchange = {
      ...whole,
      id: randomUUID(),
      startedAtMs: performance.now(),
    };
    const passage = openPassage(exchange, sink as unknown as ServerResponse, deps, {});
    const { share, judgedBy, answer } = passage;
    passage.guarded(() => {
      exchange.message = message;
      const crowded = judgedBy('limits', limits.enter(share) ?? limits.identify(share, load));
      if (crowded) answer(crowded);
      else passage.judgeMessage(message);
    })();
  }

  response.on('close', () => {
    for (const sink of sinks) sink.destroy();
    for (const each of untilDrained.splice(0)) each();
  });
  for (const part of parts) carry(part);
}

function nothing(): void {}
