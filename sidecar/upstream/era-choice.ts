import { MODERN_VERSION } from '../client-message.ts';
import type { Exchange, Reply, Transit, Upstream } from '../exchange.ts';
import { inScope } from '../exchange-scope.ts';
import type { Catalogue } from './catalogue.ts';
import { initializeRefused } from './initialize-refused.ts';
import { whenThere } from './when-there.ts';

/** Loaded where there is something to translate: most pods never need one. */
export interface Translation {
  loaded(): Upstream | undefined;
  load(): Promise<Upstream>;
}

/** As long as the tool filter waits for a server that is still starting. */
const KNOWN_WAIT_MS = 5_000;
/** In place of the id of a session of the server's, for clients of servers that have none. */
const PREFIX = 'translated/';
export const isTranslated = (exchange: Exchange): boolean =>
  exchange.session?.upstreamId.startsWith(PREFIX) ?? false;
export const translatedId = (random: string): string => PREFIX + random;

export interface EraChoice extends Upstream {
  /** The server was away: what it refused, it may not refuse any more. */
  serverLost(): void;
}

/**
 * Clients and servers of the same era get each other's bytes. A request of 2026-07-28 for a server that knows only
 * sessions is translated, and so is a session with a server that has refused to open one. Until the server has been
 * reached nobody knows what it speaks: requests of 2026-07-28 wait for it.
 */
export function createEraChoice(
  passed: Upstream,
  { toLegacy, toModern }: { toLegacy: Translation; toModern: Translation },
  catalogue: Pick<Catalogue, 'state' | 'tools'>,
  knownWaitMs = KNOWN_WAIT_MS,
): EraChoice {
  let refusesSessions = false;

  async function eraWhenKnown(): Promise<ReturnType<Catalogue['state']>['era']> {
    if (catalogue.state().era === undefined) await catalogue.tools(knownWaitMs);
    return catalogue.state().era;
  }

  const whenKnown = async (): Promise<Upstream> =>
    (await eraWhenKnown()) === 'legacy' ? toLegacy.load() : passed;

  function initialize(exchange: Exchange, reply: Reply): Transit {
    if (refusesSessions) return through(toModern, exchange, reply);
    let next: Transit | undefined;
    let gone = false;
    const first = passed.send(
      exchange,
      initializeRefused(reply, (release) => {
        // A client may come before it is known what the server speaks.
        void eraWhenKnown().then((era) => {
          if (gone) return;
          if (era !== 'modern') return release();
          refusesSessions = true;
          next = through(toModern, exchange, reply);
        });
      }),
    );
    return {
      abort() {
        gone = true;
        (next ?? first).abort();
      },
      pause: () => (next ?? first).pause(),
      resume: () => (next ?? first).resume(),
    };
  }

  return {
    send(exchange, reply) {
      const { message, head } = exchange;
      if (isTranslated(exchange)) return through(toModern, exchange, reply);
      const { era } = catalogue.state();
      if (message?.era === 'legacy' && message.method === 'initialize' && era !== 'legacy')
        return inScope(exchange, reply, (own) => initialize(exchange, own));
      // One that says 2026-07-28 in its headers alone is refused in that era's words.
      const modern = message?.era === 'modern' || head.headers['mcp-protocol-version'] === MODERN_VERSION;
      if (!message || !modern || era === 'modern') return passed.send(exchange, reply);
      return era === 'legacy'
        ? through(toLegacy, exchange, reply)
        : inScope(exchange, reply, (own) => late(whenKnown(), exchange, own));
    },
    serverLost: () => void (refusesSessions = false),
  };
}

const through = (translation: Translation, exchange: Exchange, reply: Reply): Transit =>
  inScope(
    exchange,
    reply,
    (own) => translation.loaded()?.send(exchange, own) ?? late(translation.load(), exchange, own),
  );

const late = (coming: Promise<Upstream>, exchange: Exchange, reply: Reply): Transit =>
  whenThere(
    coming,
    (upstream) => upstream.send(exchange, reply),
    // It is caught where the exchange is known.
    (error) => {
      throw error;
    },
  );
