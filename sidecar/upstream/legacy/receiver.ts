import type { Exchange, Refusal, Reply } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { refuse } from '../../reasons.ts';
import { messageEvent } from '../../sse.ts';
import { send, startStream, type Answer } from '../own-reply.ts';
import type { Ask, Outcome } from './parked-rounds.ts';
import { modernAnswer, ownError, withParam } from './to-modern.ts';

/** The client's request that has what a call says: notifications, if there are any, and one end. */
export class Receiver {
  readonly exchange: Exchange;
  readonly #reply: Reply;
  readonly #serverInfo: unknown;
  #streaming = false;

  constructor(exchange: Exchange, reply: Reply, serverInfo: unknown) {
    this.exchange = exchange;
    this.#reply = reply;
    this.#serverInfo = serverInfo;
  }

  notification(data: Buffer, method: string): void {
    if (method === 'notifications/message') return this.#event(data);
    const { raw, document } = this.exchange.message!;
    const token = document.meta.get('progressToken');
    // Nobody who did not ask for progress may be sent any.
    if (!token) return;
    this.#event(withParam(data, { progressToken: raw.toString('utf8', token.start, token.end) }));
  }

  give(outcome: Outcome): void {
    if ('refusal' in outcome) return this.fail(outcome.refusal);
    const { id = 'null', method, target } = this.exchange.message!;
    let answer: Answer;
    try {
      answer =
        'ask' in outcome
          ? { status: 200, body: askBody(outcome.ask, id) }
          : 'error' in outcome
            ? ownError(id, outcome.error)
            : modernAnswer(outcome.message, { id, method, target, serverInfo: this.#serverInfo });
    } catch (error) {
      return this.fail(refuse('upstream-not-mcp', (error as Error).message));
    }
    if (this.#streaming) {
      this.#event(answer.body);
      this.#reply.end();
    } else send(this.#reply, answer);
  }

  fail(refusal: Refusal): void {
    this.#reply.fail(refusal);
  }

  #event(message: Buffer): void {
    if (!this.#streaming) startStream(this.#reply);
    this.#streaming = true;
    this.#reply.chunk(messageEvent(message));
  }
}

function askBody({ state, questions }: Ask, id: string): Buffer {
  const requests = [...questions].map(
    ([key, { method, params }]) =>
      `${JSON.stringify(key)}:{"method":${JSON.stringify(method)},"params":${modernParams(params)}}`,
  );
  const result = `{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${JSON.stringify(state)}}`;
  return Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
}

/** Without what only the era of sessions has: the id by which the end of an elicitation would be told. */
function modernParams(params: string): string {
  const raw = Buffer.from(params);
  const kept = [...members(raw)].filter(([key]) => key !== 'elicitationId');
  return `{${kept.map(([key, { start, end }]) => `${JSON.stringify(key)}:${raw.toString('utf8', start, end)}`).join(',')}}`;
}
