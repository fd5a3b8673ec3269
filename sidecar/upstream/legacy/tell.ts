import type { HttpPool } from '../http-pool.ts';
import { headerLines } from '../mcp-request.ts';
import { sendAndForget } from '../send-and-forget.ts';
import type { LegacySession } from './legacy-sessions.ts';

/** Sends the server a response or a notification on a session. */
export const tell = (
  pool: HttpPool,
  { dialect, owner }: LegacySession,
  body: Buffer,
  forwarded?: string,
): void =>
  sendAndForget(pool, {
    method: 'POST',
    headerLines: headerLines(dialect, 'response'),
    forwarded,
    body,
    owner,
  });
