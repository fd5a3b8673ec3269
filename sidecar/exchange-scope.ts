/**
 * Whose code runs: what is begun for an exchange (timers, promises, requests to the server) is known to be its, so that
 * an exception in it is the end of this exchange and of no other. It costs some hundred nanoseconds an entry, and is
 * for what is translated; what is passed through has no code of its own to be late in.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Exchange, Reply, Transit } from './exchange.ts';
import { refuse } from './reasons.ts';
import { callerOf, type Caller } from './upstream/token/caller.ts';

const storage = new AsyncLocalStorage<ExchangeScope>();

export const scopeNow = (): ExchangeScope | undefined => storage.getStore();

/** Outlives its exchange in what the exchange has begun, a session with the server, say: it holds nothing of it then. */
export class ExchangeScope {
  readonly exchangeId: string;
  #reply: Reply | undefined;
  #caller: Caller | undefined;

  constructor(exchangeId: string, reply: Reply, caller?: Caller) {
    this.exchangeId = exchangeId;
    this.#reply = reply;
    this.#caller = caller;
  }

  run<T>(step: () => T): T {
    return storage.run(this, step);
  }

  /** Unless the exchange is over. */
  fail(): void {
    const reply = this.#reply;
    this.#reply = undefined;
    reply?.fail(refuse('internal-error'));
  }

  /** In whose name the server is asked, where it is given a credential of the caller's. */
  get caller(): Caller | undefined {
    return this.#caller;
  }

  over(): void {
    this.#reply = undefined;
    this.#caller = undefined;
  }
}

/** What came for an exchange on a stream that it shares with others: an exception in it is its own end. */
export function asOwn(scope: ExchangeScope | undefined, step: () => void): void {
  if (!scope) return step();
  try {
    scope.run(step);
  } catch (error) {
    scope.fail();
    throw error;
  }
}

/** Runs `begin` as the exchange's. */
export function inScope(exchange: Exchange, reply: Reply, begin: (reply: Reply) => Transit): Transit {
  const scope = new ExchangeScope(exchange.id, reply, callerOf(exchange));
  const transit = scope.run(() =>
    begin({
      head: (head) => reply.head(head),
      chunk: (bytes) => reply.chunk(bytes),
      end() {
        scope.over();
        reply.end();
      },
      fail(refusal) {
        scope.over();
        reply.fail(refusal);
      },
    }),
  );
  return {
    abort() {
      scope.over();
      transit.abort();
    },
    pause: () => transit.pause(),
    resume: () => transit.resume(),
  };
}
