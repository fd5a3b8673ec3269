import type { Pass, Verdict } from '../passes.ts';
import { refuse } from '../reasons.ts';
import type { Sessions } from '../sessions.ts';
import type { Principal } from '../principal.ts';
import type { Exchange, Refusal } from '../exchange.ts';
import { MODERN_VERSION } from '../client-message.ts';
import type { Authenticator } from './authenticator.ts';
import type { ProtectedResource } from './protected-resource.ts';

/**
 * Who calls, and whether the session that it names is its own: before a byte of the body is read. What was proved with
 * is looked at again when the body is there, for a client may take its time with it.
 */
export function createAuthentication(
  authenticator: Authenticator,
  sessions: Sessions,
  resource?: Pick<ProtectedResource, 'challenged'>,
): Pass {
  function admit(exchange: Exchange, found: Principal | Refusal): Refusal | undefined {
    if ('reason' in found) {
      exchange.rule = 'auth';
      return resource ? resource.challenged(found, exchange.head) : found;
    }
    exchange.principal = found;
    const { 'mcp-session-id': id, 'mcp-protocol-version': version } = exchange.head.headers;
    // 2026-07-28 has no sessions: what names one is not looked at (transports, Streamable HTTP).
    if (id === undefined || version === MODERN_VERSION) return undefined;
    const session = typeof id === 'string' ? sessions.open(id, found.digest) : undefined;
    if (!session) {
      exchange.rule = 'session';
      return refuse('session-unknown');
    }
    exchange.session = session;
    return undefined;
  }

  function check(exchange: Exchange): Verdict | Promise<Verdict> {
    const found = authenticator.authenticate(exchange.head.headers, exchange.head.connection);
    return found instanceof Promise ? found.then((late) => admit(exchange, late)) : admit(exchange, found);
  }

  return {
    name: 'authentication',
    needs: ['head', 'request'],
    head: check,
    request: (exchange) => (authenticator.holds(exchange.principal) ? undefined : check(exchange)),
  };
}
