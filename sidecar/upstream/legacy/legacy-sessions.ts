/**
 * Sessions with a server of the era of sessions, opened for clients that know none. One is for one caller, one client
 * program and one set of its capabilities, and never anybody else's: what a server keeps, it keeps about a caller.
 */
import { randomUUID } from 'node:crypto';
import { reasonOf } from '../connect-mcp.ts';
import type { HttpPool } from '../http-pool.ts';
import { OF_MODERN_CLIENTS } from '../process-rules.ts';
import { headerLines, LEGACY_VERSION, rpc, type Dialect } from '../mcp-request.ts';
import { sendAndForget } from '../send-and-forget.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { ModernRequest } from './modern-request.ts';
import { createSessionStream, type SessionStream } from './session-stream.ts';

/** Of `initialize`. */
export interface ServerFacts {
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly serverInfo: unknown;
  readonly instructions?: string;
}

export interface LegacySession {
  readonly dialect: Dialect;
  readonly facts: ServerFacts;
  /** Whom it is for. */
  readonly owner: string;
  /** What the server sends that belongs to no call's stream. */
  readonly stream: SessionStream;
  nextId(): number;
  /** Calls, parked ones too, and streams; a session in use is not ended. */
  uses: number;
  usedAtMs: number;
  /** As the server was told it. */
  logLevel?: string | undefined;
}

export interface LegacySessions {
  /** @throws {UpstreamError} @throws {CrowdedError} */
  acquire(owner: string, request: ModernRequest): Promise<LegacySession>;
  /** The server does not know it any more. */
  lost(session: LegacySession): void;
  /** The server may be another process now: what comes from now on begins anew. */
  clear(): void;
  close(): void;
  size(): number;
}

/** As many sessions as there may be are in use. */
export class CrowdedError extends Error {}

const MAX_SESSIONS = 512;
const MAX_SESSIONS_PER_OWNER = 16;
const IDLE_MS = 5 * 60_000;
/** Of a session that is for one request. */
const UNUSED_MS = 4_000;
const SWEEP_MS = 30_000;
const TIMEOUT_MS = 10_000;

export function createLegacySessions(pool: HttpPool, now: () => number = Date.now): LegacySessions {
  const opening = new Map<string, { owner: string; session: Promise<LegacySession> }>();
  const open = new Map<string, LegacySession>();
  const { processes } = pool;
  const isPerRequest = processes?.modern === 'per-request';
  const idleMs = isPerRequest ? UNUSED_MS : (processes?.idleMs ?? IDLE_MS);
  const sweeper = setInterval(sweep, Math.min(SWEEP_MS, idleMs / 4)).unref();
  const keys = new WeakMap<ModernRequest, string>();

  function sweep(): void {
    for (const [key, session] of open)
      if (session.uses === 0 && now() - session.usedAtMs > idleMs) end(key, session);
  }

  function end(key: string, session: LegacySession): void {
    open.delete(key);
    session.stream.close();
    if (session.dialect.sessionId === undefined) return;
    sendAndForget(pool, {
      method: 'DELETE',
      headerLines: headerLines(session.dialect),
      owner: session.owner,
    });
  }

  /** Ends the one that has not been used for longest, where there is one. */
  function makeRoom(owner: string): void {
    const mine = [...open].filter(([, each]) => each.owner === owner);
    // Those that are being opened count: many may begin at once.
    const soon = [...opening.values()].filter((each) => each.owner === owner).length;
    const crowd = mine.length + soon >= MAX_SESSIONS_PER_OWNER ? mine : [...open];
    if (crowd === mine || open.size + opening.size >= MAX_SESSIONS) {
      const [oldest] = crowd
        .filter(([, { uses }]) => uses === 0)
        .toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
      if (!oldest) throw new CrowdedError('too many sessions with the server are in use');
      end(...oldest);
    }
  }

  return {
    async acquire(owner, request) {
      const key = keyOf(owner, request);
      const session = open.get(key) ?? (await (opening.get(key)?.session ?? begin(key, owner, request)));
      session.usedAtMs = now();
      if (processes) await setLevel(pool, session, request.logLevel);
      return session;
    },
    lost(session) {
      for (const [key, each] of open) if (each === session) open.delete(key);
      session.stream.close();
    },
    clear() {
      // A server that was only slow still has them, and may be at work in those in use.
      for (const [key, session] of open) {
        if (session.uses === 0) end(key, session);
        else open.delete(key);
      }
    },
    close() {
      clearInterval(sweeper);
      for (const [key, session] of open) end(key, session);
    },
    size: () => open.size,
  };

  /** What a process keeps, it keeps for its principal, whichever of its programs asks. */
  function keyOf(owner: string, request: ModernRequest): string {
    const { capabilities, clientInfo, logLevel } = request;
    if (!processes) return JSON.stringify([owner, capabilities, clientInfo, logLevel]);
    if (!isPerRequest) return JSON.stringify([owner, capabilities]);
    const key = keys.get(request) ?? randomUUID();
    keys.set(request, key);
    return key;
  }

  function begin(key: string, owner: string, request: ModernRequest): Promise<LegacySession> {
    if (!isPerRequest) makeRoom(owner);
    const begun = initialize(pool, owner, request).finally(() => opening.delete(key));
    opening.set(key, { owner, session: begun });
    return begun.then((session) => {
      if (isPerRequest) whenUnused(session, () => end(key, session));
      open.set(key, session);
      return session;
    });
  }
}

async function initialize(pool: HttpPool, owner: string, request: ModernRequest): Promise<LegacySession> {
  const { capabilities, clientInfo, logLevel } = request;
  const { startMs = 0, modern } = pool.processes ?? {};
  const params = { protocolVersion: LEGACY_VERSION, capabilities, clientInfo };
  const opened = await rpc(pool, { era: 'legacy', version: LEGACY_VERSION }, 'initialize', params, {
    timeoutMs: Math.max(TIMEOUT_MS, startMs),
    owner,
    ...(modern === 'shared' ? { process: OF_MODERN_CLIENTS } : {}),
  });
  const { result } = opened;
  if (!result) throw new UpstreamError(`initialize was refused: ${reasonOf(opened)}`);
  const sessionId = opened.headers.get('mcp-session-id');
  const dialect: Dialect = {
    era: 'legacy',
    version: typeof result['protocolVersion'] === 'string' ? result['protocolVersion'] : LEGACY_VERSION,
    ...(sessionId === undefined ? {} : { sessionId }),
  };
  await rpc(
    pool,
    dialect,
    'notifications/initialized',
    {},
    { timeoutMs: TIMEOUT_MS, notification: true, owner },
  );
  const facts: ServerFacts = {
    capabilities: (result['capabilities'] ?? {}) as ServerFacts['capabilities'],
    serverInfo: result['serverInfo'],
    ...(typeof result['instructions'] === 'string' ? { instructions: result['instructions'] } : {}),
  };
  if (logLevel !== undefined && 'logging' in facts.capabilities)
    await rpc(pool, dialect, 'logging/setLevel', { level: logLevel }, { timeoutMs: TIMEOUT_MS, owner });
  let lastId = 0;
  const stream = createSessionStream(pool, dialect, owner);
  // Servers that ask without saying for which call do it there; before it is there they ask nobody.
  if (Object.keys(capabilities).length > 0) {
    stream.open();
    await stream.opened;
  }
  return { dialect, facts, owner, stream, nextId: () => ++lastId, uses: 0, usedAtMs: 0, logLevel };
}

async function setLevel(pool: HttpPool, session: LegacySession, level: string | undefined): Promise<void> {
  const { dialect, facts, owner } = session;
  if (level === undefined || level === session.logLevel || !('logging' in facts.capabilities)) return;
  session.logLevel = level;
  await rpc(pool, dialect, 'logging/setLevel', { level }, { timeoutMs: TIMEOUT_MS, owner });
}

function whenUnused(session: LegacySession, told: () => void): void {
  let uses = 0;
  Object.defineProperty(session, 'uses', {
    get: () => uses,
    set(given: number) {
      uses = given;
      // A request may use it again at once.
      if (given === 0) setImmediate(() => uses === 0 && told());
    },
  });
}
