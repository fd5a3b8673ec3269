import { MODERN_VERSION } from '../client-message.ts';
import type { Exchange } from '../exchange.ts';
import { type Dialect } from './mcp-request.ts';

/** What a request without the version header speaks (specification 2025-06-18, transports). */
const DEFAULT_LEGACY_VERSION = '2025-03-26';

/** How to speak to the server for the caller of an exchange, on the caller's own session. */
export function callersDialect({ message, session, head }: Exchange): Dialect {
  if (message?.era === 'modern') return { era: 'modern', version: MODERN_VERSION };
  const version = head.headers['mcp-protocol-version'];
  return {
    era: 'legacy',
    // A session that was opened without a version has an empty one.
    version: typeof version === 'string' ? version : session?.version || DEFAULT_LEGACY_VERSION,
    ...(session ? { sessionId: session.upstreamId } : {}),
  };
}
