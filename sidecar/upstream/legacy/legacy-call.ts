/**
 * One call on a session, from the client's first request to the server's response: the rounds between, in which the
 * client is asked what the server wants to know, are requests of their own, and nobody may be there while it thinks.
 */
import type { Exchange, Refusal, Reply } from '../../exchange.ts';
import { text } from '../../client-message.ts';
import { scopeNow } from '../../exchange-scope.ts';
import { members } from '../../json/members.ts';
import { refuse } from '../../reasons.ts';
import { AnswerReader, type AnswerEvents } from '../answer-reader.ts';
import { forwardedLines } from '../forwarded-headers.ts';
import type { HttpPool } from '../http-pool.ts';
import type { UpstreamCall } from '../upstream-call.ts';
import type { LegacySession } from './legacy-sessions.ts';
import type { Answers } from './answers.ts';
import { Audience } from './audience.ts';
import type { ModernRequest } from './modern-request.ts';
import { REPEATED_MS, type Outcome, type ParkedRounds, type Question, type Round } from './parked-rounds.ts';
import { mayBeAskedBack, missingCapability, readQuestion, undeclared, type Required } from './questions.ts';
import { gatherMs } from './turns.ts';
import { Receiver } from './receiver.ts';
import { sendCall } from './send-call.ts';
import { tell } from './tell.ts';
import { cannotBeAsked, legacyResponse, notAsked } from './to-legacy.ts';
import { isFailure } from './to-modern.ts';
import { pagesRequired, refusedPages, type PagesAwaited } from './url-required.ts';

const CROWDED = 'too many calls wait for their clients';

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
  /** Of the request under way; the call is sent more than once where its user has to open a page before. */
  #id = 0;
  #call: UpstreamCall | undefined;
  #reader: AnswerReader | undefined;
  readonly #audience: Audience;
  /** The one whose answers the call runs with; undefined in the first. */
  #round: Round<LegacyCall> | undefined;
  #pages: PagesAwaited | undefined;
  /** What the server wanted to ask, and could not. */
  #undeclared: Required | undefined;
  readonly #questions = new Map<string, Question>();
  #asked = 0;
  #over = false;
  readonly scope = scopeNow();
  #timer: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, reply: Reply, request: ModernRequest, parts: LegacyCallParts) {
    this.#parts = parts;
    this.#request = request;
    this.#first = exchange;
    this.#audience = new Audience(parts.session.facts.serverInfo);
    this.#audience.join(exchange, reply);
    parts.session.uses++;
    this.#send();
  }

  #send(): void {
    this.#id = this.#parts.session.nextId();
    this.#reader = new AnswerReader(this.#first, { id: String(this.#id), sessions: true }, this);
    const parked = (): boolean => this.#audience.absent;
    this.#call = sendCall(this.#parts, this.#first, { id: this.#id, parked }, this.#reader);
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whether a question that came on another stream may be this call's. */
  get mayBeAsked(): boolean {
    return (
      this.#call !== undefined && !this.#over && mayBeAskedBack(this.#first.message!.method, this.#request)
    );
  }

  sessionLost(): void {
    // The client's first request has had an answer: what the session knew of it is lost.
    if (this.#round) return this.failed(refuse('upstream-broken', 'the server has lost the session'));
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
    this.#audience.notification(data, method);
  }

  wholeAnswer(data: Buffer): void {
    const { stream } = this.#parts.session;
    const { method } = this.#first.message!;
    const pages = pagesRequired(data, { method, request: this.#request, stream });
    if (pages) return 'error' in pages ? this.#settle(pages) : this.#askForPages(pages);
    // One that goes on without has found another way.
    const lacked = this.#undeclared && isFailure(data) ? this.#undeclared : undefined;
    this.#settle(lacked ? { error: missingCapability(lacked) } : { message: data });
  }

  #askForPages(pages: PagesAwaited): void {
    this.#reader?.close();
    this.#call?.abort();
    this.#call = undefined;
    this.#pages = pages;
    for (const page of pages.questions) this.#questions.set(`${++this.#asked}`, page);
    this.#ask();
  }

  /** A request of the server's. */
  asked(data: Buffer): void {
    const question = readQuestion(data);
    if (question.method === 'ping') return this.#tell(legacyResponse(question.id, '{}'));
    const lacked = undeclared(question, this.#request);
    if (lacked || !this.mayBeAsked) {
      if (lacked && Object.keys(lacked).length > 0) this.#undeclared ??= lacked;
      return this.#tell(cannotBeAsked(question.id));
    }
    this.#questions.set(`${++this.#asked}`, question);
    // Those that come together are asked together.
    if (this.#questions.size === 1) setTimeout(() => this.#ask(), gatherMs(this.#parts.pool));
  }

  #ask(): void {
    if (this.#over || this.#questions.size === 0) return;
    const { owner } = this.#parts.session;
    const given = { call: this, owner, digest: this.#request.digest };
    const round = this.#parts.rounds.park(given, new Map(this.#questions));
    if (!round) {
      if (this.#pages) this.failed(refuse('too-much-under-way', CROWDED, { 'retry-after': '5' }));
      else for (const { id } of this.#questions.values()) this.#tell(notAsked(id, CROWDED));
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
    if (this.#pages && !this.#over) this.#pagesAnswered(this.#pages, answers);
    // A server that has given up meanwhile has said so: that is what the client gets.
    else if (!this.#over)
      for (const [key, { id }] of round.ask.questions)
        this.#tell(legacyResponse(id, answers.get(key) ?? '{}'));
    return undefined;
  }

  #pagesAnswered(pages: PagesAwaited, answers: Answers): void {
    const error = refusedPages(answers);
    if (error) return this.#settle({ error });
    pages.done(() => {
      this.#pages = undefined;
      this.#send();
    });
  }

  /** From now on this exchange has what the call says. */
  attach(exchange: Exchange, reply: Reply): void {
    clearTimeout(this.#timer);
    this.#audience.join(exchange, reply);
  }

  /** What a round ended with, once more. */
  replay(outcome: Outcome, exchange: Exchange, reply: Reply): void {
    new Receiver(exchange, reply, this.#parts.session.facts.serverInfo).give(outcome);
  }

  /** The client is gone. In the first round that cancels the call; later it may come back with the same answers. */
  detach(exchange: Exchange): void {
    if (!this.#audience.leave(exchange) || this.#over || !this.#audience.absent) return;
    if (!this.#round) return this.cancel('the client has gone');
    this.#timer = setTimeout(() => this.cancel('the client has gone'), REPEATED_MS).unref();
  }

  cancel(reason: string): void {
    if (this.#over) return;
    if (this.#call) {
      this.#call.abort();
      const params = JSON.stringify({ requestId: this.#id, reason });
      this.#tell(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`));
    }
    this.#settle({ refusal: refuse('upstream-timeout', reason) });
  }

  failed(refusal: Refusal): void {
    this.#settle({ refusal });
  }

  pause(): void {
    this.#call?.pause();
  }

  resume(): void {
    this.#call?.resume();
  }

  #settle(outcome: Outcome): void {
    if (this.#over) return;
    this.#end();
    this.#give(outcome);
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#reader?.close();
    this.#call?.abort();
    this.#pages?.close();
    this.#parts.session.uses--;
    this.#parts.ended?.();
  }

  /** To whoever is there, and to whoever asks again. */
  #give(outcome: Outcome): void {
    if (this.#round) this.#parts.rounds.settled(this.#round, outcome);
    this.#audience.give(outcome);
  }

  #tell(body: Buffer): void {
    tell(this.#parts.pool, this.#parts.session, body, forwardedLines(this.#first));
  }
}
