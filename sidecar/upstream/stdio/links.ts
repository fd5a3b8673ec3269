/** The processes of one server: whose each is, how many there may be, and when they end. */
import { UpstreamError } from '../upstream-error.ts';
import { Link } from './link.ts';
import { processLimit } from './process-limit.ts';
import type { StdioChannels } from './stdio-channels.ts';

export interface LinksSettings {
  readonly idleMs: number;
  readonly startMs: number;
  readonly requestTimeoutMs: number;
  readonly maxProcesses: number | undefined;
  readonly memoryBytes: () => number | undefined;
  readonly faulted: (error: unknown) => void;
}

export interface OpenLink {
  /** Whether one caller alone has it. */
  readonly isPrivate: boolean;
  /** The sidecar's own: it counts with nobody's, and does not end for want of use. */
  readonly isOwn?: boolean;
  /** Asked what servers may not like; its end at once says nothing. */
  readonly isProbe?: boolean;
  /** It ends with its last call. */
  readonly isPerRequest?: boolean;
  readonly closed?: () => void;
}

export interface Links {
  /** @throws {UpstreamError} */
  open(how: OpenLink): Promise<Link>;
  /** The one of this name, for as long as it lasts. */
  named(name: string, how: OpenLink): Promise<Link>;
  /** Ends the one of this name. */
  end(name: string): void;
  limit(): number;
  close(): void;
}

const SWEEP_MS = 500;

export function createLinks(channels: StdioChannels, settings: LinksSettings): Links {
  const { idleMs, startMs, requestTimeoutMs, maxProcesses, memoryBytes, faulted } = settings;
  const all = new Map<Link, OpenLink>();
  const byName = new Map<string, Promise<Link>>();
  let opening = 0;
  const sweeper = setInterval(sweep, Math.min(SWEEP_MS, requestTimeoutMs / 4, idleMs / 4)).unref();

  function sweep(): void {
    const nowMs = performance.now();
    for (const [link, { isOwn }] of all) {
      link.sweep(nowMs, link.spoke ? requestTimeoutMs : Math.max(requestTimeoutMs, startMs));
      if (!isOwn && !link.isUsed && nowMs - link.usedAtMs > idleMs) link.close('the process was idle');
    }
  }

  const limit = (): number =>
    processLimit({
      maxProcesses,
      memoryBytes: memoryBytes(),
      processBytes: channels.state().processBytes,
    });

  function makeRoom(): void {
    const most = limit();
    const used = opening + [...all.values()].filter(({ isOwn }) => !isOwn).length;
    if (used < most) return;
    // In 2026-07-28 nothing that a server keeps may be counted on; what sessions keep is theirs until they end.
    const [oldest] = [...all]
      .filter(([link, { isOwn }]) => !isOwn && !link.isUsed && link.sessions.size === 0)
      .toSorted(([a], [b]) => a.usedAtMs - b.usedAtMs);
    if (oldest) return oldest[0].close('its place was needed');
    throw new UpstreamError(
      `${most} are there already; the annotation max-stdio-processes allows more`,
      'crowded',
    );
  }

  async function open(how: OpenLink): Promise<Link> {
    const { isPrivate, isOwn = false, isProbe = false, isPerRequest = false, closed } = how;
    if (!isOwn) makeRoom();
    const link: Link = new Link(isPrivate, {
      closed() {
        all.delete(link);
        closed?.();
      },
      ...(isPerRequest ? { idle: () => setImmediate(() => link.isUsed || link.close()) } : {}),
      faulted,
    });
    opening += isOwn ? 0 : 1;
    try {
      link.channel = await channels.open(
        {
          message(data, line) {
            try {
              link.message(data, line);
            } catch (error) {
              faulted(error);
            }
          },
          tooLarge: (id, words) => link.tooLarge(id, words),
          closed: (error) => link.closed(error),
        },
        isProbe,
      );
    } finally {
      opening -= isOwn ? 0 : 1;
    }
    all.set(link, how);
    return link;
  }

  return {
    open,
    named(name, how) {
      let found = byName.get(name);
      if (!found) {
        const gone = (): void => {
          if (byName.get(name) === found) byName.delete(name);
        };
        found = open({ ...how, closed: gone });
        byName.set(name, found);
        found.catch(gone);
      }
      return found;
    },
    end: (name) =>
      void byName.get(name)?.then(
        (link) => link.close(),
        () => undefined,
      ),
    limit,
    close() {
      clearInterval(sweeper);
      for (const link of all.keys()) link.close('closed');
    },
  };
}
