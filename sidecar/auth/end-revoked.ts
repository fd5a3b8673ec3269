import type { InFlight } from '../downstream/in-flight.ts';
import { endStream } from '../drain.ts';
import type { ServerConfig } from '../config.ts';
import type { Authenticator } from './authenticator.ts';

/**
 * Ends the streams of callers whose credential is not good any more: taken away, expired, or signed with a key that is
 * gone. Their clients listen again, and are asked who they are. A call that is under way gets its answer.
 * @returns how many
 */
export function endRevoked(
  inFlight: InFlight,
  server: ServerConfig,
  authenticator: Pick<Authenticator, 'holds'>,
): number {
  const revoked = inFlight.streams().filter(
    ({ exchange: { server: of, principal } }) =>
      // Anonymous: not known yet, or refused already.
      of === server && principal.kind !== 'anonymous' && !authenticator.holds(principal),
  );
  for (const entry of revoked) {
    entry.exchange.rule = 'revoked';
    endStream(inFlight, entry, 'now');
  }
  return revoked.length;
}
