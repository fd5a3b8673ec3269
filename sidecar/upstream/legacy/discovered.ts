import { MODERN_VERSION, SERVER_INFO_KEY } from '../../client-message.ts';
import { TASKS_EXTENSION } from '../../tasks/declares-tasks.ts';
import type { LegacySession } from './legacy-sessions.ts';
import { makesTasks } from './legacy-tasks.ts';

/** What `server/discover` is answered for a server of sessions. Its tasks are those of the extension here. */
export function discovered(session: LegacySession): object {
  const { facts } = session;
  const { tasks: _, extensions, ...capabilities } = facts.capabilities;
  const known = {
    ...(extensions as Record<string, unknown> | undefined),
    ...(makesTasks(session) ? { [TASKS_EXTENSION]: {} } : {}),
  };
  return {
    supportedVersions: [MODERN_VERSION],
    capabilities: { ...capabilities, ...(Object.keys(known).length > 0 ? { extensions: known } : {}) },
    ...(facts.instructions === undefined ? {} : { instructions: facts.instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [SERVER_INFO_KEY]: facts.serverInfo },
  };
}
