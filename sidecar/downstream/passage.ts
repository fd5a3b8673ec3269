import type { ServerResponse } from 'node:http';
import type { ClientMessage } from '../client-message.ts';
import type { Exchange, Refusal, Transit, Upstream } from '../exchange.ts';
import type { Faults } from '../faults.ts';
import type { Policy } from '../passes.ts';
import { refuse } from '../reasons.ts';
import { answerRefusal, createClientReply } from './client-reply.ts';
import type { InFlight } from './in-flight.ts';
import type { Limits, Share } from './limits.ts';

export interface PassageDeps {
  readonly policy: Policy;
  readonly upstream: Upstream;
  readonly inFlight: InFlight;
  readonly limits: Limits;
  readonly faults: Pick<Faults, 'report'>;
}

/** What the request that an exchange came in has to do with its answer. */
export interface PassageRequest {
  /** The answer of ours is about to be written. Whether the connection cannot be used again. */
  answering?(): boolean;
  closed?(): void;
  /** It has been judged and is on its way to the server. */
  accepted?: ((message: ClientMessage | undefined) => void) | undefined;
}

/** One exchange on its way through policy to the server, until its answer is over. */
export interface Passage {
  readonly share: Share;
  /** Its messages are exchanges of their own, and it is none. */
  split(): void;
  answer(refusal: Refusal): void;
  judgedBy(rule: string, refusal: Refusal | undefined): Refusal | undefined;
  /** Goes on when the verdict is in; at once when it is not a promise. */
  after(verdict: Refusal | undefined | Promise<Refusal | undefined>, next: () => void): void;
  guarded(step: () => void): () => void;
  /** Of the exchange as it is: without a message, or with one that has been read. */
  judge(): void;
  /** The same for an exchange with this message. */
  judgeMessage(message: ClientMessage): void;
}

export function openPassage(
  exchange: Exchange,
  response: ServerResponse,
  { policy, upstream, inFlight, limits, faults }: PassageDeps,
  request: PassageRequest,
): Passage {
  let transit: Transit | undefined;
  let gone = false;
  let split = false;
  const entry = inFlight.enter(exchange, response);
  const share: Share = { kind: entry.kind, bodyBytes: 0 };
  // Node tells every answer that waits on a connection when that is gone.
  response.on('close', () => {
    gone = true;
    request.closed?.();
    inFlight.leave(entry);
    limits.leave(share);
    // The server must see that nobody waits any more, as it would without us (2026-07-28: this is how calls are cancelled);
    // also where the answer was ended here before the server's was over.
    try {
      transit?.abort();
    } catch (error) {
      failed(error);
    }
    if (!response.writableFinished) {
      if (exchange.status === 0) exchange.status = 499;
      // A stream has no other end than its client's leaving; a call without its answer has failed.
      if (entry.kind === 'call' && exchange.outcome === 'success') exchange.outcome = 'failure';
    }
    if (!split) policy.ended(exchange);
  });
  const answer = (refusal: Refusal): void => {
    if (gone || response.headersSent) return;
    const closing = request.answering?.() ?? false;
    answerRefusal(exchange, response, refusal, closing || inFlight.draining);
  };
  const judgedBy = (rule: string, refusal: Refusal | undefined): Refusal | undefined => {
    if (refusal) exchange.rule = rule;
    return refusal;
  };
  const failed = (error: unknown): void => {
    faults.report(error, exchange.id);
    // Half an answer cannot be taken back: the client must see that it is half.
    if (response.headersSent) response.destroy();
    else answer(refuse('internal-error'));
  };
  const after = (verdict: Refusal | undefined | Promise<Refusal | undefined>, next: () => void): void => {
    const decide = (refusal: Refusal | undefined): void => {
      if (gone || response.headersSent) return;
      if (refusal) answer(refusal);
      else next();
    };
    if (verdict instanceof Promise) verdict.then(decide).catch(failed);
    else decide(verdict);
  };
  const forward = (): void => {
    const reply = policy.answer(
      exchange,
      createClientReply(exchange, response, {
        transit: () => transit,
        closing: () => inFlight.draining,
        eventStreams: inFlight.eventStreams,
      }),
    );
    request.accepted?.(exchange.message);
    transit = upstream.send(exchange, reply);
  };
  const guarded = (step: () => void) => (): void => {
    try {
      step();
    } catch (error) {
      failed(error);
    }
  };
  const judge = (): void => after(policy.request(exchange), guarded(forward));

  return {
    share,
    split: () => void (split = true),
    answer,
    judgedBy,
    after,
    guarded,
    judge,
    judgeMessage(message) {
      exchange.message = message;
      inFlight.classify(entry);
      const crowded = judgedBy('limits', entry.kind === 'stream' ? limits.becomeStream(share) : undefined);
      if (crowded) return answer(crowded);
      judge();
    },
  };
}
