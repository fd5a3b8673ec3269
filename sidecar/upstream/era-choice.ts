import type { Transit, Upstream } from '../exchange.ts';
import { refuse } from '../reasons.ts';
import type { Catalogue } from './catalogue.ts';
import { MODERN_VERSION } from './mcp-request.ts';

/** As long as the tool filter waits for a server that is still starting. */
const KNOWN_WAIT_MS = 5_000;

/**
 * A request of 2026-07-28 for a server that knows only sessions is translated; everything else passes as it is. Until
 * the server has been reached nobody knows what it speaks: requests of that era wait for it.
 * @param translating loaded where there is something to translate: most pods never need it
 */
export function createEraChoice(
  passed: Upstream,
  translating: { loaded(): Upstream | undefined; load(): Promise<Upstream> },
  catalogue: Pick<Catalogue, 'state' | 'tools'>,
): Upstream {
  async function choose(): Promise<Upstream> {
    if (catalogue.state().era === undefined) await catalogue.tools(KNOWN_WAIT_MS);
    return catalogue.state().era === 'legacy' ? translating.load() : passed;
  }

  return {
    send(exchange, reply) {
      const { message, head } = exchange;
      // One that says 2026-07-28 in its headers alone is refused in that era's words.
      if (message?.era !== 'modern' && head.headers['mcp-protocol-version'] !== MODERN_VERSION)
        return passed.send(exchange, reply);
      if (!message) return passed.send(exchange, reply);
      const { era } = catalogue.state();
      const chosen = era === 'modern' ? passed : era === 'legacy' ? translating.loaded() : undefined;
      if (chosen) return chosen.send(exchange, reply);
      let transit: Transit | undefined;
      let gone = false;
      choose().then(
        (late) => {
          if (!gone) transit = late.send(exchange, reply);
        },
        () => {
          if (!gone) reply.fail(refuse('internal-error'));
        },
      );
      return {
        abort() {
          gone = true;
          transit?.abort();
        },
        pause: () => transit?.pause(),
        resume: () => transit?.resume(),
      };
    },
  };
}
