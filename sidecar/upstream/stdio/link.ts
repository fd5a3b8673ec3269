/** One process of a server's and all that is under way on it, whoever it belongs to. */
import type { ClientMessage } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import type { Channel } from '../channel/channel.ts';
import { asUpstream } from '../channel/channel-session.ts';
import { guardedEvents } from '../guarded-events.ts';
import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from '../upstream-call.ts';
import { UpstreamError } from '../upstream-error.ts';
import { unownedQuestion } from '../unowned-question.ts';
import { answer, statusOfError, type Call } from './calls.ts';
import { route } from './link-routes.ts';
import type { LinkSession } from './link-session.ts';
import type { ServerLine } from './read-line.ts';
import { rekeyedRequest, subscriptionIn, withId } from './rekey.ts';

export interface Asking {
  /** Raw JSON. */
  readonly id: string;
  readonly method: string;
  /** That it is for; none: one of the sidecar's own. */
  readonly request?: Pick<UpstreamRequest, 'listens'>;
  readonly message?: ClientMessage | undefined;
  readonly session?: LinkSession | undefined;
  readonly isModern: boolean;
  /** Of an answer that is a JSON body, whatever comes before it. */
  readonly headers?: ReadonlyMap<string, string>;
}

export interface LinkEvents {
  /** The process has ended, or was ended. */
  closed(): void;
  /** Nothing is under way on it any more. */
  idle?(): void;
  faulted(error: unknown): void;
}

/** Longer than it may take a cancelling notification to come after its stream was cut. */
const MAX_GONE = 64;
const MAX_PAUSED_BYTES = 1024 * 1024;

export class Link {
  /** Of one caller alone, whose pace may be the process's. */
  readonly isPrivate: boolean;
  readonly sessions = new Set<LinkSession>();
  readonly calls: Call[] = [];
  /** What the server has asked and not been answered, where many share it. */
  questions: { readonly id: string; readonly session: LinkSession }[] = [];
  channel: Channel | undefined;
  /** Whether the server has said anything yet; until then it may be starting. */
  spoke = false;
  usedAtMs = performance.now();
  /** Why it is no more. */
  over: Error | undefined;
  readonly #events: LinkEvents;
  readonly #whenOver: (() => void)[] = [];
  /** Calls that nobody waits for, of which it may still be said that they are cancelled. */
  #gone: Pick<Call, 'id' | 'wireId' | 'session'>[] = [];
  #lastId = 0;

  constructor(isPrivate: boolean, events: LinkEvents) {
    this.isPrivate = isPrivate;
    this.#events = events;
  }

  ask(body: Buffer, given: UpstreamEvents, asking: Asking): UpstreamCall {
    const { id, method, request = {}, message, session, isModern, headers } = asking;
    const wireId = ++this.#lastId;
    const { bytes, token } = rekeyedRequest(body, wireId, message);
    const nowMs = performance.now();
    const events = guardedEvents(given, this.#events.faulted);
    const call: Call = {
      wireId,
      id,
      method,
      request,
      token,
      events,
      session,
      isModern,
      headers,
      started: false,
      pausedAtMs: undefined,
      pausedBytes: 0,
      aliveMs: nowMs,
    };
    this.usedAtMs = nowMs;
    this.calls.push(call);
    if (this.over) setImmediate(() => this.fail(call, this.over!));
    else this.channel?.send(bytes, (error) => this.fail(call, error));
    return {
      abort: () => this.#abort(call),
      pause: () => this.#pause(call),
      resume: () => this.#resume(call),
    };
  }

  /** A notification, or an answer to what the server asked. */
  tell(body: Buffer): void {
    this.usedAtMs = performance.now();
    this.channel?.send(body, () => undefined);
  }

  /** The client's answer to what the server has asked this session, and no other. */
  answerQuestion(body: Buffer, id: string, session: LinkSession): void {
    if (!this.isPrivate) {
      const asked = this.questions.find((each) => each.id === id && each.session === session);
      if (!asked) return;
      this.questions = this.questions.filter((each) => each !== asked);
    }
    this.tell(body);
  }

  /** The client's `notifications/cancelled`, for a call that this session has or has just had. */
  cancel(body: Buffer, session: LinkSession | undefined): void {
    const params = members(body).get('params');
    const span = params && members(body, params.start).get('requestId');
    if (!span) return;
    const id = body.toString('utf8', span.start, span.end);
    const isIt = (each: Pick<Call, 'id' | 'session'>): boolean => each.id === id && each.session === session;
    const found = this.calls.find(isIt) ?? this.#gone.findLast(isIt);
    if (found) this.tell(withId(body, span, String(found.wireId)));
  }

  message(data: Buffer, line: ServerLine): void {
    this.spoke = true;
    this.usedAtMs = performance.now();
    if (line.kind !== 'answer') return route(this, data, line);
    const call = this.#take(Number(line.id));
    if (!call) return;
    try {
      let body = withId(data, line.idSpan, call.id);
      if (call.method === 'subscriptions/listen') body = ofSubscription(body, call.id);
      answer(call, line.isError ? statusOfError(call, body) : 200, body);
    } catch (error) {
      // By its first bytes it was an answer: more of it is not read before.
      call.events.fail(new UpstreamError(`the answer is no JSON: ${(error as Error).message}`));
    }
    this.#checkIdle();
  }

  tooLarge(id: string, words: string): void {
    const call = this.calls.find(({ wireId }) => wireId === Number(id));
    if (call) this.fail(call, new UpstreamError(words));
  }

  fail(call: Call, error: Error): void {
    if (this.#take(call.wireId) !== call) return;
    call.events.fail(asUpstream(error));
    this.#checkIdle();
  }

  /** The process has ended by itself. */
  closed(error: Error): void {
    if (this.over) return;
    this.over = error;
    for (const call of this.calls.splice(0)) call.events.fail(asUpstream(error));
    for (const session of this.sessions) session.close();
    this.sessions.clear();
    this.#events.closed();
    for (const each of this.#whenOver) each();
  }

  whenOver(told: () => void): void {
    if (this.over) told();
    else this.#whenOver.push(told);
  }

  close(reason = 'the session was ended'): void {
    if (this.over) return;
    this.channel?.close();
    this.closed(new UpstreamError(reason));
  }

  /** @param limitMs how long nothing may come for a call */
  sweep(nowMs: number, limitMs: number): void {
    for (const call of this.calls.slice()) {
      const { pausedAtMs, pausedBytes } = call;
      // It may end to be one that only listens: the server's time begins then.
      if (call.request.listens) call.aliveMs = nowMs;
      if (pausedBytes > MAX_PAUSED_BYTES || (pausedAtMs !== undefined && nowMs - pausedAtMs > limitMs)) {
        this.#resume(call);
        this.fail(call, new UpstreamError('the client took nothing', 'stalled'));
      } else if (nowMs - call.aliveMs > limitMs) {
        this.#abort(call);
        call.events.fail(new UpstreamError(`nothing came for ${limitMs / 1000} s`, 'timeout'));
      }
    }
    for (const session of this.sessions) for (const id of session.sweep(nowMs)) this.refuse(id);
  }

  /** A call, or someone who listens. */
  get isUsed(): boolean {
    return this.calls.length > 0 || [...this.sessions].some(({ hasListener }) => hasListener);
  }

  /** Answers what the server asked and nobody can say to whom. */
  refuse(id: string): void {
    this.tell(unownedQuestion(id));
  }

  #take(wireId: number): Call | undefined {
    const { calls } = this;
    const index = calls.findIndex((each) => each.wireId === wireId);
    if (index < 0) return undefined;
    const call = calls[index];
    const last = calls.pop();
    if (last && index < calls.length) calls[index] = last;
    return call;
  }

  /** In 2026-07-28 a closed stream cancels (transports, stdio); before it a notification of the client's own does. */
  #abort(call: Call): void {
    if (this.#take(call.wireId) !== call) return;
    if (call.pausedAtMs !== undefined) this.#resume(call);
    if (call.isModern) {
      const params = `{"requestId":${call.wireId},"reason":"nobody waits for it any more"}`;
      this.tell(Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`));
    } else {
      this.#gone.push({ id: call.id, wireId: call.wireId, session: call.session });
      if (this.#gone.length > MAX_GONE) this.#gone = this.#gone.slice(MAX_GONE / 2);
    }
    this.#checkIdle();
  }

  #pause(call: Call): void {
    call.pausedAtMs ??= performance.now();
    if (this.isPrivate) this.channel?.pause();
  }

  #resume(call: Call): void {
    call.pausedAtMs = undefined;
    call.pausedBytes = 0;
    call.aliveMs = performance.now();
    if (this.isPrivate) this.channel?.resume();
  }

  #checkIdle(): void {
    if (this.calls.length === 0) this.#events.idle?.();
  }
}

function ofSubscription(body: Buffer, id: string): Buffer {
  const span = subscriptionIn(body, 'result');
  return span ? withId(body, span, id) : body;
}
