import type { Exchange, Refusal } from '../exchange.ts';
import { refuse } from '../reasons.ts';
import { SseSplitter } from '../sse.ts';
import { bodyProblem, headProblem } from './answer-problem.ts';
import type { ResponseHead } from './http-response.ts';
import { parseMessage } from './mcp-request.ts';
import { contentTypeOf, refusalOf } from './streamable-http.ts';
import type { UpstreamEvents } from './upstream-call.ts';
import type { UpstreamError } from './upstream-error.ts';

export interface AnswerEvents {
  /** A whole JSON-RPC message on the answer's event stream. */
  message(data: Buffer): void;
  /** A JSON body that is the answer, also where the server could not read the id. */
  wholeAnswer(data: Buffer): void;
  /** The server does not know the session: the request has not been done. */
  sessionLost(): void;
  failed(refusal: Refusal): void;
}

/** What is translated is held until it is whole. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Reads the answer to a request of ours as whole messages, whichever of the two forms it has. */
export class AnswerReader implements UpstreamEvents {
  readonly #exchange: Exchange;
  readonly #id: string;
  readonly #events: AnswerEvents;
  #head: ResponseHead | undefined;
  #splitter: SseSplitter | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #closed = false;
  readonly #sessions: boolean;

  /**
   * @param request `id` of the request as the server got it, raw JSON; `sessions`: whether a 404 speaks of one
   */
  constructor(exchange: Exchange, request: { id: string; sessions: boolean }, events: AnswerEvents) {
    this.#exchange = exchange;
    this.#id = request.id;
    this.#sessions = request.sessions;
    this.#events = events;
  }

  head(response: ResponseHead): void {
    if (this.#closed) return;
    this.#head = response;
    const contentType = contentTypeOf(response);
    if (response.status === 404 && this.#sessions) return this.#lost();
    const problem = headProblem(
      response,
      contentType,
      this.#exchange.message,
      this.#exchange.server.upstream,
    );
    if (problem) return this.#fail(problem);
    if (contentType === 'sse') this.#splitter = new SseSplitter();
  }

  chunk(bytes: Buffer): void {
    if (this.#closed) return;
    if (!this.#splitter) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > MAX_MESSAGE_BYTES) this.#tooLarge();
      return;
    }
    for (const frame of this.#splitter.push(bytes)) {
      const data = frame.data();
      if (data && !this.#closed) this.#events.message(data);
    }
    if (!this.#closed && this.#splitter.pendingBytes > MAX_MESSAGE_BYTES) this.#tooLarge();
  }

  end(): void {
    if (this.#closed) return;
    if (this.#splitter) return this.#fail(refuse('upstream-broken', 'the stream ended without the answer'));
    const body = Buffer.concat(this.#held);
    const { status = 0 } = this.#head ?? {};
    const error = status >= 400 ? parseMessage(body)?.error : undefined;
    if (
      this.#sessions &&
      status === 400 &&
      error?.code === NO_SESSION &&
      /session|not initialized/i.test(error.message)
    )
      return this.#lost();
    const problem = status >= 400 && !error ? refuse('upstream-not-mcp', `status ${status}`) : undefined;
    const found = problem ?? bodyProblem(body, this.#id);
    if (found) return this.#fail(found);
    this.#events.wholeAnswer(body);
  }

  fail(error: UpstreamError): void {
    this.#fail(refusalOf(this.#exchange, error));
  }

  /** Nothing is told any more. */
  close(): void {
    this.#closed = true;
    this.#held = [];
  }

  #lost(): void {
    if (this.#closed) return;
    this.close();
    this.#events.sessionLost();
  }

  #fail(refusal: Refusal): void {
    if (this.#closed) return;
    this.close();
    this.#events.failed(refusal);
  }

  #tooLarge(): void {
    this.#fail(refuse('upstream-result-too-large', `over ${MAX_MESSAGE_BYTES} bytes`));
  }
}

/** The SDKs' code for "no valid session", beside status 400. */
const NO_SESSION = -32000;
