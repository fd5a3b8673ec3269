/** The way to a server that speaks stdio: processes, in place of connections. */
import type { Log } from '../../log.ts';
import type { McpConnection } from '../connect-mcp.ts';
import type { Dialect } from '../mcp-request.ts';
import type { TransportChoice } from '../transport-choice.ts';
import { establish, type Established } from './establish.ts';
import type { Launcher } from './launcher.ts';
import type { Link } from './link.ts';
import { createLinks } from './links.ts';
import { createSharedProcess, SHARED_CAPABILITIES } from './shared-process.ts';
import { stdioChannels } from './stdio-channels.ts';
import type { StdioUpstream } from './stdio-config.ts';
import type { StdioHealth } from './stdio-health.ts';
import { createStdioPool } from './stdio-pool.ts';

export interface StdioChoice extends TransportChoice {
  readonly health: () => StdioHealth;
}

export interface StdioChoiceDeps {
  readonly launcher: Launcher & { readonly memoryLimitBytes?: number };
  readonly log: Log;
  readonly faulted: (error: unknown) => void;
}

export function createStdioChoice(
  target: StdioUpstream,
  { launcher, log, faulted }: StdioChoiceDeps,
): StdioChoice {
  const startMs = target.startSeconds * 1_000;
  const channels = stdioChannels(launcher, {
    env: target.env,
    maxMessageBytes: target.maxMessageBytes,
    log,
    logsStderr: target.command !== undefined,
  });
  const links = createLinks(channels, {
    idleMs: target.idleSeconds * 1_000,
    startMs,
    requestTimeoutMs: target.requestTimeoutMs,
    maxProcesses: target.maxProcesses,
    memoryBytes: () => target.memoryBytes ?? (launcher.memoryLimitBytes || undefined),
    faulted,
  });
  const isShared = target.sessions === 'shared';
  let known: Dialect['era'] | undefined;
  let own: Link | undefined;

  async function start(isPrivate: boolean, isOwn: boolean): Promise<Established> {
    const found = await establish({
      open: (isProbe) => links.open({ isPrivate, isOwn, isProbe }),
      capabilities: isPrivate ? {} : SHARED_CAPABILITIES,
      startMs,
      known,
    }).catch((error: Error) => {
      known = undefined;
      throw error;
    });
    known = found.era;
    return found;
  }

  const shared = createSharedProcess(() => start(false, isShared));
  const pool = createStdioPool({
    links,
    target,
    shared,
    own: () => (own?.over ? undefined : own),
    faulted,
  });

  return {
    pool,
    async connect(): Promise<McpConnection> {
      const { link, era, version, capabilities } = isShared ? await shared.ready() : await start(true, true);
      if (!isShared) own?.close('another has its place');
      own = link;
      if (era === 'modern') return { dialect: { era, version }, capabilities };
      return { dialect: { era, version, sessionId: pool.adopt(link).id }, capabilities };
    },
    transport: () => 'stdio',
    health: () => ({ ...channels.state(), maxProcesses: links.limit() }),
    close() {
      pool.close();
      void channels.close();
    },
  };
}
