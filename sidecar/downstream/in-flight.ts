import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.ts';

/** An exchange that is not over. A `stream` lasts until one side ends it; a `call` ends by itself. */
export interface InFlightEntry {
  readonly exchange: Exchange;
  readonly response: ServerResponse;
  kind: 'call' | 'stream';
}

/** Everything under way on all listen ports: what a drain waits for, and what it ends. */
export interface InFlight {
  enter(exchange: Exchange, response: ServerResponse): InFlightEntry;
  /** Called when the message is known. */
  classify(entry: InFlightEntry): void;
  leave(entry: InFlightEntry): void;
  calls(): number;
  streams(): readonly InFlightEntry[];
  /** From now on every answer asks its client to use another connection next time. */
  startDraining(): void;
  readonly draining: boolean;
  /** Resolves when no call is under way. */
  idle(): Promise<void>;
}

export function createInFlight(): InFlight {
  const entries = new Set<InFlightEntry>();
  let draining = false;
  let waiters: (() => void)[] = [];
  const calls = (): number => {
    let count = 0;
    for (const { kind } of entries) if (kind === 'call') count++;
    return count;
  };
  const check = (): void => {
    if (waiters.length === 0 || calls() > 0) return;
    for (const waiter of waiters) waiter();
    waiters = [];
  };

  return {
    enter(exchange, response) {
      if (draining) response.setHeader('connection', 'close');
      const entry: InFlightEntry = {
        exchange,
        response,
        kind: exchange.head.method === 'GET' ? 'stream' : 'call',
      };
      entries.add(entry);
      return entry;
    },
    classify(entry) {
      if (entry.exchange.message?.method === 'subscriptions/listen') entry.kind = 'stream';
      check();
    },
    leave(entry) {
      entries.delete(entry);
      check();
    },
    calls,
    streams: () => [...entries].filter(({ kind }) => kind === 'stream'),
    startDraining() {
      draining = true;
      for (const { response } of entries)
        if (!response.headersSent) response.setHeader('connection', 'close');
    },
    get draining() {
      return draining;
    },
    idle: () =>
      new Promise((resolve) => {
        waiters.push(resolve);
        check();
      }),
  };
}
