import type { Exchange } from '../exchange.ts';
import type { HttpPool } from './http-pool.ts';

const TIMEOUT_MS = 5_000;
const DEFAULT_VERSION = '2025-03-26';

/**
 * Tells the server that a call was given up. In the era of sessions a closed connection does not say so (2025-11-25,
 * transports), a notification on the caller's session does; in the modern era the closing is all that there is. Without
 * a session there is no telling whose call it would be. Whether it arrives, nobody waits for.
 */
export function sendCancelled(pool: HttpPool, { message, session, head, principal }: Exchange): void {
  // Initialize must not be cancelled (2025-11-25, cancellation).
  if (message?.kind !== 'request' || message.era !== 'legacy' || !session || message.method === 'initialize')
    return;
  const version = head.headers['mcp-protocol-version'] ?? (session.version || DEFAULT_VERSION);
  const params = `{"requestId":${message.id},"reason":"no answer within the proxy’s time limit"}`;
  const call = pool.send(
    {
      method: 'POST',
      owner: principal.digest,
      headerLines:
        'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n' +
        `Mcp-Protocol-Version: ${String(version)}\r\nMcp-Session-Id: ${session.upstreamId}\r\n`,
      body: Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":${params}}`),
    },
    { head: nothing, chunk: nothing, end: () => clearTimeout(timer), fail: () => clearTimeout(timer) },
  );
  const timer = setTimeout(() => call.abort(), TIMEOUT_MS).unref();
}

function nothing(): void {}
