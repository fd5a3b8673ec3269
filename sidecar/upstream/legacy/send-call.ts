import type { Exchange } from '../../exchange.ts';
import { forwardedLines } from '../forwarded-headers.ts';
import type { HttpPool } from '../http-pool.ts';
import { headerLines } from '../mcp-request.ts';
import type { UpstreamCall, UpstreamEvents } from '../upstream-call.ts';
import type { LegacySession } from './legacy-sessions.ts';
import { legacyRequest } from './to-legacy.ts';

/**
 * Sends a client's request on a session.
 * @param parked whether its client is being asked: the server has nothing to say then
 */
export function sendCall(
  { pool, session }: { pool: HttpPool; session: LegacySession },
  exchange: Exchange,
  { id, parked }: { id: number; parked: () => boolean },
  events: UpstreamEvents,
): UpstreamCall {
  const message = exchange.message!;
  return pool.send(
    {
      method: 'POST',
      headerLines: headerLines(session.dialect, message.method),
      forwarded: forwardedLines(exchange),
      body: legacyRequest(message, id),
      owner: session.owner,
      get listens() {
        return parked();
      },
    },
    events,
  );
}
