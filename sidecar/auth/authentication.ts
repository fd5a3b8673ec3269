import type { Pass, Verdict } from '../passes.ts';
import { refuse } from '../reasons.ts';
import type { Sessions } from '../sessions.ts';
import type { Principal } from '../principal.ts';
import type { Exchange, Refusal } from '../exchange.ts';
import { MODERN_VERSION } from '../client-message.ts';
import type { Authenticator } from './authenticator.ts';
import { ASSERTION_HEADER } from './assertions/assertion-header.ts';
import type { ProtectedResource } from './protected-resource.ts';

const NO_BODY = Buffer.alloc(0);

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
    const { headers, connection } = exchange.head;
    const found = authenticator.authenticate(headers, connection);
    if (headers[ASSERTION_HEADER] !== undefined)
      return Promise.resolve(found).then((actor) => checkUser(exchange, actor));
    return found instanceof Promise ? found.then((late) => admit(exchange, late)) : admit(exchange, found);
  }

  /** The caller says for whom it asks: where that is not looked at, nobody may say so. */
  async function checkUser(exchange: Exchange, actor: Principal | Refusal): Promise<Verdict> {
    if ('reason' in actor) return admit(exchange, actor);
    const { method, headers } = exchange.head;
    const asserted = await (authenticator.assertions?.open(
      String(headers[ASSERTION_HEADER]),
      actor,
      method,
    ) ?? refuse('actor-untrusted'));
    // The record names the actor also where nothing is believed of what it says.
    const refusal =
      'reason' in asserted ? asserted : method === 'POST' ? undefined : asserted.judgeBody(NO_BODY);
    if ('reason' in asserted || refusal) {
      exchange.principal = actor;
      return admit(exchange, refusal!);
    }
    if (method === 'POST') exchange.judgeBody = asserted.judgeBody;
    return admit(exchange, asserted.principal);
  }

  function checkAgain(exchange: Exchange): Verdict | Promise<Verdict> {
    const { principal, head } = exchange;
    if (authenticator.holds(principal)) return undefined;
    const renewed = authenticator.renew?.(principal, head.headers, head.connection);
    return renewed ? renewed.then((late) => admit(exchange, late)) : check(exchange);
  }

  return { name: 'authentication', needs: ['head', 'request'], head: check, request: checkAgain };
}
