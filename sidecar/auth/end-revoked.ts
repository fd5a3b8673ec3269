import type { InFlight, InFlightEntry } from '../downstream/in-flight.ts';
import { endStream } from '../drain.ts';
import type { ServerConfig } from '../config.ts';
import type { Principal } from '../principal.ts';
import type { Refusal } from '../reasons.ts';
import type { Authenticator } from './authenticator.ts';

/**
 * Ends the streams of callers whose credential is not good any more: taken away, expired, or signed with a key that is
 * gone. Their clients listen again, and are asked who they are. A call that is under way gets its answer.
 * @param ended is called for each
 */
export function endRevoked(
  inFlight: InFlight,
  server: ServerConfig,
  authenticator: Pick<Authenticator, 'holds' | 'authenticate' | 'renew'>,
  ended: (caller: Principal) => void,
): void {
  for (const entry of inFlight.streams()) {
    const { exchange } = entry;
    // Anonymous: not known yet, or refused already.
    if (exchange.server !== server || exchange.principal.kind === 'anonymous') continue;
    if (authenticator.holds(exchange.principal)) continue;
    // The keys of a cluster change without the tokens: what the stream was opened with is looked at again.
    const { headers, connection } = exchange.head;
    const verdict =
      authenticator.renew?.(exchange.principal, headers, connection) ??
      authenticator.authenticate(headers, connection);
    if (verdict instanceof Promise) void verdict.then((late) => settle(inFlight, entry, late, ended));
    else settle(inFlight, entry, verdict, ended);
  }
}

function settle(
  inFlight: InFlight,
  entry: InFlightEntry,
  verdict: Principal | Refusal,
  ended: (caller: Principal) => void,
): void {
  const { exchange, response } = entry;
  const { principal } = exchange;
  if (response.writableEnded || response.destroyed) return;
  if (!('reason' in verdict) && verdict.digest === principal.digest) {
    exchange.principal = verdict;
    return;
  }
  exchange.rule = 'revoked';
  endStream(inFlight, entry, 'now');
  ended(principal);
}
