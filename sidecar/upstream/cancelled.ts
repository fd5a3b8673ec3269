import type { Exchange } from '../exchange.ts';
import { callersDialect } from './callers-dialect.ts';
import { forwardedLines } from './forwarded-headers.ts';
import type { HttpPool } from './http-pool.ts';
import { headerLines } from './mcp-request.ts';
import { sendAndForget } from './send-and-forget.ts';
import { callerOf } from './token/caller.ts';

const METHOD = 'notifications/cancelled';

/**
 * Tells the server that a call was given up. In the era of sessions a closed connection does not say so (2025-11-25,
 * transports), a notification on the caller's session does; in the modern era the closing is all that there is. Without
 * a session there is no telling whose call it would be.
 */
export function sendCancelled(pool: HttpPool, exchange: Exchange): void {
  const { message, session, principal } = exchange;
  // Initialize must not be cancelled (2025-11-25, cancellation).
  if (message?.kind !== 'request' || message.era !== 'legacy' || !session || message.method === 'initialize')
    return;
  const params = `{"requestId":${message.id},"reason":"no answer within the proxy’s time limit"}`;
  sendAndForget(pool, {
    method: 'POST',
    owner: principal.digest,
    headerLines: headerLines(callersDialect(exchange), METHOD),
    forwarded: forwardedLines(exchange),
    caller: callerOf(exchange),
    body: Buffer.from(`{"jsonrpc":"2.0","method":"${METHOD}","params":${params}}`),
  });
}
