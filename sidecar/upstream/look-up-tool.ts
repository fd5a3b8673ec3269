import type { LookUpTool } from '../filter/tool-filter.ts';
import type { HttpPool } from './http-pool.ts';
import { ListRefusedError, listTools } from './list-tools.ts';
import { MODERN_VERSION, type Dialect } from './mcp-request.ts';

/** What a request without the version header speaks (specification 2025-06-18, transports). */
const DEFAULT_LEGACY_VERSION = '2025-03-26';

/** Lists the tools on the caller's own session and looks there for a name that the catalogue lacks. */
export function lookUpTool(pool: HttpPool): LookUpTool {
  return async ({ message, session, head }, name) => {
    const version = head.headers['mcp-protocol-version'];
    const dialect: Dialect =
      message?.era === 'modern'
        ? { era: 'modern', version: MODERN_VERSION }
        : {
            era: 'legacy',
            version: typeof version === 'string' ? version : (session?.version ?? DEFAULT_LEGACY_VERSION),
            ...(session ? { sessionId: session.upstreamId } : {}),
          };
    try {
      return (await listTools(pool, dialect)).get(name);
    } catch (error) {
      // To a caller who gets no list, one without a session say, every tool is unknown: another answer than that to a
      // forbidden tool would tell which names exist.
      if (error instanceof ListRefusedError && error.status < 500) return undefined;
      throw error;
    }
  };
}
