import { MODERN_VERSION } from '../client-message.ts';
import { asRecord } from '../json/record.ts';
import {
  LEGACY_VERSION,
  CLIENT_INFO,
  headerLines,
  rpc,
  type Dialect,
  type RpcAnswer,
} from './mcp-request.ts';
import type { HttpPool } from './http-pool.ts';
import { sendAndForget } from './send-and-forget.ts';
import { UpstreamError } from './upstream-error.ts';

export interface McpConnection {
  readonly dialect: Dialect;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 5_000;
const MAX_QUOTED_CHARS = 100;

/** The server answered, and there is no connection. */
export class NotConnectedError extends UpstreamError {
  readonly status: number;
  /** The answer is a message of MCP's. */
  readonly isJsonRpc: boolean;
  constructor(words: string, answer: RpcAnswer) {
    super(words);
    this.name = 'NotConnectedError';
    this.status = answer.status;
    this.isJsonRpc = answer.error !== undefined;
  }
}

/**
 * Finds out which era the server speaks and opens a session where it has them. `server/discover` decides for the modern
 * era only when it offers 2026-07-28, for some servers answer it and offer legacy versions alone; a refusal for want of
 * credentials, an overload, a 5xx or silence says nothing about the era (specification 2026-07-28, versioning).
 * @throws {UpstreamError}
 */
export async function connectMcp(pool: HttpPool): Promise<McpConnection> {
  const modern: Dialect = { era: 'modern', version: MODERN_VERSION };
  const discovered = await rpc(pool, modern, 'server/discover', {}, { timeoutMs: TIMEOUT_MS });
  const versions = discovered.result?.['supportedVersions'];
  if (Array.isArray(versions) && versions.includes(MODERN_VERSION)) {
    return { dialect: modern, capabilities: asRecord(discovered.result?.['capabilities']) };
  }
  if (inconclusive(discovered.status))
    throw new NotConnectedError(`server/discover was answered ${discovered.status}`, discovered);
  const params = { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo: CLIENT_INFO };
  const answer = await rpc(pool, { era: 'legacy', version: LEGACY_VERSION }, 'initialize', params, {
    timeoutMs: TIMEOUT_MS,
  });
  if (!answer.result) throw new NotConnectedError(`initialize was refused: ${reasonOf(answer)}`, answer);
  const sessionId = answer.headers.get('mcp-session-id');
  const version = answer.result['protocolVersion'];
  const dialect: Dialect = {
    era: 'legacy',
    version: typeof version === 'string' ? version : LEGACY_VERSION,
    ...(sessionId === undefined ? {} : { sessionId }),
  };
  await rpc(pool, dialect, 'notifications/initialized', {}, { timeoutMs: TIMEOUT_MS, notification: true });
  return { dialect, capabilities: asRecord(answer.result['capabilities']) };
}

/** Ends the session, if there is one. */
export function disconnectMcp(pool: HttpPool, { dialect }: McpConnection): void {
  if (dialect.sessionId === undefined) return;
  sendAndForget(pool, { method: 'DELETE', headerLines: headerLines(dialect) });
}

export function reasonOf({ status, error, headers }: RpcAnswer): string {
  if (error) return `${error.message} (${error.code})`;
  // Of a success that is none: a web application's page, as a rule.
  const type = status < 300 ? headers.get('content-type')?.slice(0, MAX_QUOTED_CHARS) : undefined;
  return `status ${status}${type === undefined ? '' : ` with ${type}`}`;
}

const inconclusive = (status: number): boolean => [401, 403, 407, 408, 429].includes(status) || status >= 500;
