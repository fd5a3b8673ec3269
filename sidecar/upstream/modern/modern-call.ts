import { randomUUID } from 'node:crypto';
import type { Exchange, Refusal, Reply, Transit } from '../../exchange.ts';
import { text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { refusalBody, refuse } from '../../reasons.ts';
import { AnswerReader, type AnswerEvents } from '../answer-reader.ts';
import { forwardedLines } from '../forwarded-headers.ts';
import type { HttpPool } from '../http-pool.ts';
import type { MirroredParam } from '../mirrored-params.ts';
import { send } from '../own-reply.ts';
import type { UpstreamCall } from '../upstream-call.ts';
import type { Answered, ClientSession } from './client-sessions.ts';
import type { ResumableStream } from './resumable-stream.ts';
import { legacyAnswer, type InputRequired } from './to-legacy-answer.ts';
import { modernBody, modernHeaderLines, type Retry } from './to-modern-request.ts';

/** As many as the SDK's client takes part in. */
const MAX_ROUNDS = 10;
const ANSWER_TIMEOUT_MS = 10 * 60_000;
/** An answer that takes longer is an event stream, which a client may resume. */
const STREAM_AFTER_MS = 1_000;

export interface ModernCallParts {
  readonly pool: HttpPool;
  readonly session: ClientSession;
  readonly mirrored: readonly MirroredParam[];
}

/**
 * One call of a client of the era of sessions. What the server wants to know becomes requests on the call's event
 * stream; the answers come as messages of their own, and the server is asked again with them.
 */
export class ModernCall implements AnswerEvents, Transit {
  readonly #exchange: Exchange;
  readonly #reply: Reply;
  readonly #parts: ModernCallParts;
  #call: UpstreamCall | undefined;
  #reader: AnswerReader | undefined;
  #rounds = 0;
  #stream: ResumableStream | undefined;
  #streamDue: NodeJS.Timeout | undefined;
  #over = false;
  #answersDue: NodeJS.Timeout | undefined;
  readonly #asked = new Set<string>();

  constructor(exchange: Exchange, reply: Reply, parts: ModernCallParts) {
    this.#exchange = exchange;
    this.#reply = reply;
    this.#parts = parts;
    parts.session.calls.set(this.#id, () => this.#cancel());
    if (/text\/event-stream|\*\/\*/.test(exchange.head.headers.accept ?? ''))
      this.#streamDue = setTimeout(() => this.#streamed(), STREAM_AFTER_MS).unref();
    this.#ask();
  }

  get #id(): string {
    return this.#exchange.message?.id ?? 'null';
  }

  #ask(retry?: Retry): void {
    const { pool, session, mirrored } = this.#parts;
    const message = this.#exchange.message!;
    // Each round is a request of its own (2026-07-28); the server must not take it for the one before.
    const id = this.#rounds++ === 0 ? this.#id : `"kubectl-mcp-round-${randomUUID()}"`;
    this.#reader = new AnswerReader(this.#exchange, { id, sessions: false }, this);
    this.#call = pool.send(
      {
        method: 'POST',
        headerLines: modernHeaderLines(message, mirrored),
        forwarded: forwardedLines(this.#exchange),
        body: modernBody(message, session, { id, ...(retry ? { retry } : {}) }),
        owner: this.#exchange.principal.digest,
        process: session.id,
      },
      this.#reader,
    );
  }

  message(data: Buffer): void {
    const top = members(data);
    if (top.has('method')) {
      // The era knows no requests of the server's here; notifications are the same in both.
      if (!top.has('id')) this.#event(data);
      return;
    }
    this.wholeAnswer(data);
  }

  wholeAnswer(data: Buffer): void {
    let answer: Buffer | InputRequired;
    try {
      answer = legacyAnswer(data, { id: this.#id, method: this.#exchange.message!.method });
    } catch (error) {
      return this.failed(refuse('upstream-not-mcp', (error as Error).message));
    }
    if (Buffer.isBuffer(answer)) this.#finish(answer);
    else
      this.#askClient(answer).catch((error: Error) => this.failed(refuse('upstream-not-mcp', error.message)));
  }

  /** Servers of this era have none. */
  sessionLost(): void {
    this.failed(refuse('upstream-not-mcp', 'status 404'));
  }

  failed(refusal: Refusal): void {
    if (this.#over) return;
    const stream = this.#stream;
    // A client that comes back for the end must find it.
    stream?.write(Buffer.from(refusalBody(refusal, this.#id)));
    this.#end();
    if (stream) stream.end();
    else this.#reply.fail(refusal);
  }

  async #askClient({ requests, requestState }: InputRequired): Promise<void> {
    this.#reader?.close();
    if (this.#rounds > MAX_ROUNDS)
      return this.failed(refuse('upstream-not-mcp', `the server has asked ${MAX_ROUNDS} times`));
    const answers = await Promise.all(
      [...requests].map(
        async ([key, { method, params }]) => [key, method, await this.#question(method, params)] as const,
      ),
    );
    clearTimeout(this.#answersDue);
    if (this.#over) return;
    const refused = answers.find(
      ([, method, answer]) => 'error' in answer && method !== 'elicitation/create',
    );
    if (refused) return this.#finish(this.#errorOf(refused[2]));
    const inputResponses = new Map(
      // An elicitation that a client cannot show is one that nobody has answered.
      answers.map(
        ([key, , answer]) => [key, 'result' in answer ? answer.result : '{"action":"cancel"}'] as const,
      ),
    );
    this.#ask({ inputResponses, ...(requestState === undefined ? {} : { requestState }) });
  }

  #question(method: string, params: string): Promise<Answered> {
    const id = `kubectl-mcp-${randomUUID()}`;
    this.#asked.add(id);
    const own = method === 'elicitation/create' ? withElicitationId(params) : params;
    this.#event(
      Buffer.from(`{"jsonrpc":"2.0","id":"${id}","method":${JSON.stringify(method)},"params":${own}}`),
    );
    this.#answersDue ??= setTimeout(
      () => this.failed(refuse('upstream-timeout', 'the client did not answer what the server asked')),
      ANSWER_TIMEOUT_MS,
    ).unref();
    return new Promise((resolve) => this.#parts.session.questions.set(`"${id}"`, resolve));
  }

  #errorOf(answer: Answered): Buffer {
    const error = 'error' in answer ? answer.error : '{}';
    const span = members(Buffer.from(error)).get('message');
    const words = (span && text(Buffer.from(error), span)) ?? 'the client did not answer';
    const own = JSON.stringify({
      code: -32603,
      message: `the server asked this client, which refused: ${words}`,
    });
    return Buffer.from(`{"jsonrpc":"2.0","id":${this.#id},"error":${own}}`);
  }

  #event(message: Buffer): void {
    if (!this.#over) this.#streamed().write(message);
  }

  #streamed(): ResumableStream {
    return (this.#stream ??= this.#parts.session.streams.open(this.#exchange, this.#reply, {
      abandoned: () => this.#end(),
      pause: () => this.pause(),
      resume: () => this.resume(),
    }));
  }

  #finish(body: Buffer): void {
    if (this.#over) return;
    this.#end();
    if (!this.#stream) return send(this.#reply, { status: 200, body });
    this.#stream.write(body);
    this.#stream.end();
  }

  /** The client wants no answer any more (2025-11-25, cancellation): its stream ends without one. */
  #cancel(): void {
    if (this.#over) return;
    const stream = this.#streamed();
    this.#end();
    stream.end();
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#answersDue);
    clearTimeout(this.#streamDue);
    this.#reader?.close();
    this.#call?.abort();
    const { calls, questions } = this.#parts.session;
    calls.delete(this.#id);
    for (const id of this.#asked) questions.delete(`"${id}"`);
  }

  /** Nobody is there to get the answer; who has begun to get it as a stream may come back for the rest. */
  abort(): void {
    if (this.#over) return;
    if (this.#stream) this.#stream.detach(this.#reply);
    else this.#end();
  }

  pause(): void {
    this.#call?.pause();
  }

  resume(): void {
    this.#call?.resume();
  }
}

/** By which the era of sessions tells that one in the browser is over. */
function withElicitationId(params: string): string {
  const value = JSON.parse(params) as Record<string, unknown>;
  return value['mode'] === 'url' ? JSON.stringify({ ...value, elicitationId: randomUUID() }) : params;
}
