/**
 * One call on a session, from the client's first request to the server's response: the rounds between, in which the
 * client is asked what the server wants to know, are requests of their own, and nobody may be there while it thinks.
 */
import type { Exchange, Refusal, Reply } from '../../exchange.ts';
import { text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { refuse } from '../../reasons.ts';
import { AnswerReader, type AnswerEvents } from '../answer-reader.ts';
import { forwardedLines } from '../forwarded-headers.ts';
import type { HttpPool } from '../http-pool.ts';
import { headerLines } from '../mcp-request.ts';
import type { UpstreamCall } from '../upstream-call.ts';
import type { LegacySession } from './legacy-sessions.ts';
import type { Answers } from './answers.ts';
import { Missed } from './missed.ts';
import type { ModernRequest } from './modern-request.ts';
import { REPEATED_MS, type Outcome, type ParkedRounds, type Question, type Round } from './parked-rounds.ts';
import { canBeAsked, mayBeAskedBack } from './questions.ts';
import { Receiver } from './receiver.ts';
import { tell } from './tell.ts';
import { legacyError, legacyRequest, legacyResponse } from './to-legacy.ts';

const METHOD_NOT_FOUND = -32601;
const INTERNAL_ERROR = -32603;

export interface LegacyCallParts {
  readonly pool: HttpPool;
  readonly session: LegacySession;
  readonly rounds: ParkedRounds<LegacyCall>;
  /** The server does not know the session: the call has not been done. */
  readonly sessionLost: () => void;
  /** The server is done with it, whoever still waits for what it said. */
  readonly ended?: () => void;
}

export class LegacyCall implements AnswerEvents {
  readonly #parts: LegacyCallParts;
  readonly #request: ModernRequest;
  readonly #first: Exchange;
  readonly #id: number;
  readonly #call: UpstreamCall;
  readonly #reader: AnswerReader;
  /** Whoever waits for what the call says: a client whose stream was cut may be there twice for a while. */
  readonly #receivers = new Set<Receiver>();
  /** The one whose answers the call runs with; undefined in the first. */
  #round: Round<LegacyCall> | undefined;
  /** What came while nobody was there. */
  #outcome: Outcome | undefined;
  readonly #missed = new Missed();
  readonly #questions = new Map<string, Question>();
  #asked = 0;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, reply: Reply, request: ModernRequest, parts: LegacyCallParts) {
    this.#parts = parts;
    this.#request = request;
    this.#first = exchange;
    this.#receivers.add(new Receiver(exchange, reply, parts.session.facts.serverInfo));
    const { session, pool } = parts;
    session.uses++;
    this.#id = session.nextId();
    this.#reader = new AnswerReader(exchange, { id: String(this.#id), sessions: true }, this);
    const parked = (): boolean => this.#receivers.size === 0;
    this.#call = pool.send(
      {
        method: 'POST',
        headerLines: headerLines(session.dialect, exchange.message!.method),
        forwarded: forwardedLines(exchange),
        body: legacyRequest(exchange.message!, this.#id),
        owner: session.owner,
        // While a client is being asked the server has nothing to say.
        get listens() {
          return parked();
        },
      },
      this.#reader,
    );
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whether a question that came on another stream may be this call's. */
  get mayBeAsked(): boolean {
    return !this.#over && mayBeAskedBack(this.#first.message!.method, this.#request);
  }

  sessionLost(): void {
    this.#end();
    this.#parts.sessionLost();
  }

  /** A message on the call's stream. */
  message(data: Buffer): void {
    const top = members(data);
    const method = text(data, top.get('method'));
    if (method === undefined) {
      const id = top.get('id');
      if (id && Number(data.toString('latin1', id.start, id.end)) === this.#id) this.wholeAnswer(data);
      return;
    }
    if (top.has('id')) return this.asked(data);
    if (method === 'notifications/message' && this.#request.logLevel === undefined) return;
    if (method !== 'notifications/progress' && method !== 'notifications/message') return;
    for (const receiver of this.#receivers) receiver.notification(data, method);
    if (this.#receivers.size === 0) this.#missed.keep(data, method);
  }

  wholeAnswer(data: Buffer): void {
    this.#settle({ message: data });
  }

  /** A request of the server's. */
  asked(data: Buffer): void {
    const top = members(data);
    const raw = (key: string): string | undefined => {
      const span = top.get(key);
      return span && data.toString('utf8', span.start, span.end);
    };
    const id = raw('id') ?? 'null';
    const method = text(data, top.get('method')) ?? '';
    if (method === 'ping') return this.#tell(legacyResponse(id, '{}'));
    if (!canBeAsked(method, this.#request) || !this.mayBeAsked)
      return this.#tell(legacyError(id, METHOD_NOT_FOUND, 'the client of this call cannot be asked that'));
    this.#questions.set(`${++this.#asked}`, { id, method, params: raw('params') ?? '{}' });
    // Those that come together are asked together.
    if (this.#questions.size === 1) setImmediate(() => this.#ask());
  }

  #ask(): void {
    if (this.#over || this.#questions.size === 0) return;
    const { owner } = this.#parts.session;
    const given = { call: this, owner, digest: this.#request.digest };
    const round = this.#parts.rounds.park(given, new Map(this.#questions));
    if (!round) {
      for (const { id } of this.#questions.values())
        this.#tell(legacyError(id, INTERNAL_ERROR, 'too many calls wait for their clients'));
      return this.#questions.clear();
    }
    this.#questions.clear();
    this.#give({ ask: round.ask });
  }

  /**
   * The client's answers to a round.
   * @param answers raw JSON by key
   * @returns what the answers lack, if they do: nothing has been done then
   */
  answer(round: Round<LegacyCall>, answers: Answers, digest: string): string | undefined {
    const missing = [...round.ask.questions.keys()].find((key) => !answers.has(key));
    if (missing !== undefined) return missing;
    round.answers = digest;
    this.#parts.rounds.answered(round);
    this.#round = round;
    // A server that has given up meanwhile has said so: that is what the client gets.
    if (!this.#over)
      for (const [key, { id }] of round.ask.questions)
        this.#tell(legacyResponse(id, answers.get(key) ?? '{}'));
    return undefined;
  }

  /** From now on this exchange has what the call says. */
  attach(exchange: Exchange, reply: Reply): void {
    clearTimeout(this.#timer);
    const receiver = new Receiver(exchange, reply, this.#parts.session.facts.serverInfo);
    this.#receivers.add(receiver);
    this.#missed.tell(receiver);
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome) this.#give(outcome);
  }

  /** What a round ended with, once more. */
  replay(outcome: Outcome, exchange: Exchange, reply: Reply): void {
    new Receiver(exchange, reply, this.#parts.session.facts.serverInfo).give(outcome);
  }

  /** The client is gone. In the first round that cancels the call; later it may come back with the same answers. */
  detach(exchange: Exchange): void {
    const gone = [...this.#receivers].find((each) => each.exchange === exchange);
    // One that has had its answer is nobody's loss.
    if (!gone) return;
    this.#receivers.delete(gone);
    if (this.#over || this.#receivers.size > 0) return;
    if (!this.#round) return this.cancel('the client has gone');
    this.#timer = setTimeout(() => this.cancel('the client has gone'), REPEATED_MS).unref();
  }

  cancel(reason: string): void {
    if (this.#over) return;
    this.#call.abort();
    const params = JSON.stringify({ requestId: this.#id, reason });
    this.#tell(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`));
    this.#settle({ refusal: refuse('upstream-timeout', reason) });
  }

  failed(refusal: Refusal): void {
    this.#settle({ refusal });
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  #settle(outcome: Outcome): void {
    if (this.#over) return;
    this.#end();
    this.#give(outcome);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#reader.close();
    this.#call.abort();
    this.#parts.session.uses--;
    this.#parts.ended?.();
  }

  /** To whoever is there, and to whoever asks again. */
  #give(outcome: Outcome): void {
    if (this.#round) this.#parts.rounds.settled(this.#round, outcome);
    const receivers = [...this.#receivers];
    this.#receivers.clear();
    if (receivers.length === 0) this.#outcome = outcome;
    for (const receiver of receivers) receiver.give(outcome);
  }

  #tell(body: Buffer): void {
    tell(this.#parts.pool, this.#parts.session, body, forwardedLines(this.#first));
  }
}
