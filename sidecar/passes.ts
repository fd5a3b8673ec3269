/**
 * Policy is an ordered list of small passes. Each declares what it needs to see, so that reading a body or holding back
 * a result is computed from the list: what no pass needs is streamed.
 */
import type { Exchange, Refusal, Reply } from './exchange.ts';

/**
 * `head`: method, path and headers. `request`: the client's message. `result`: whole messages of the server's, which
 * may be replaced. `outcome`: the bytes of the answer as they pass, never held back.
 */
export type Need = 'head' | 'request' | 'result' | 'outcome';

export type Verdict = Refusal | undefined;

/** Replaces a message of the server's, or returns it. @throws when it cannot be judged: then it does not go out */
export interface ResultEditor {
  /** @returns an empty buffer for an event that does not go out; a promise holds back what comes behind */
  (message: Buffer): Buffer | Promise<Buffer>;
  /** What is too large to be held goes out as it is: nothing to be edited is as large. */
  readonly largePass?: true;
}

/** Thrown by an editor for a message that the client must not get, with what it gets instead. */
export class ResultRefusedError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.name = 'ResultRefusedError';
    this.refusal = refusal;
  }
}

export interface Pass {
  readonly name: string;
  readonly needs: readonly Need[];
  head?(exchange: Exchange): Verdict | Promise<Verdict>;
  request?(exchange: Exchange): Verdict | Promise<Verdict>;
  /** Called once the request is let through; undefined when the answer to this one need not be seen. */
  result?(exchange: Exchange): ResultEditor | undefined;
  /** Stands in front of `reply` and watches. */
  outcome?(exchange: Exchange, reply: Reply): Reply;
  /** The exchange is over, however it went. */
  ended?(exchange: Exchange): void;
}

export interface Policy {
  head(exchange: Exchange): Verdict | Promise<Verdict>;
  request(exchange: Exchange): Verdict | Promise<Verdict>;
  /** The reply that the server's answer goes into, on its way to `reply`. */
  answer(exchange: Exchange, reply: Reply): Reply;
  ended(exchange: Exchange): void;
}

/** @param edit stands in front of a reply and hands whole messages to an editor */
export function createPolicy(
  passes: readonly Pass[],
  edit: (reply: Reply, editor: ResultEditor) => Reply,
): Policy {
  const needing = (need: Need) => passes.filter((pass) => pass.needs.includes(need));
  const heads = needing('head');
  const requests = needing('request');
  const results = needing('result');
  const outcomes = needing('outcome');
  const enders = passes.filter((pass) => pass.ended);
  return {
    head: (exchange) => firstVerdict(heads, 'head', exchange, 0),
    request: (exchange) => firstVerdict(requests, 'request', exchange, 0),
    answer(exchange, reply) {
      let front = reply;
      // What is recorded is what the client got, so watchers stand behind editors.
      for (const pass of outcomes) front = pass.outcome?.(exchange, front) ?? front;
      for (const pass of results.toReversed()) {
        const editor = pass.result?.(exchange);
        if (editor) front = edit(front, editor);
      }
      return front;
    },
    ended(exchange) {
      for (const pass of enders) pass.ended?.(exchange);
    },
  };
}

/** Synchronous as long as every pass is, for a promise costs a turn of the event loop's queue on each call. */
function firstVerdict(
  passes: readonly Pass[],
  step: 'head' | 'request',
  exchange: Exchange,
  from: number,
): Verdict | Promise<Verdict> {
  for (let index = from; index < passes.length; index++) {
    const verdict = passes[index]?.[step]?.(exchange);
    if (verdict instanceof Promise)
      return verdict.then((late) => late ?? firstVerdict(passes, step, exchange, index + 1));
    if (verdict) return verdict;
  }
  return undefined;
}
