import { statSync, watch, type BigIntStats, type FSWatcher } from 'node:fs';
import { readDirectory, type DirectoryReading } from './read-directory.ts';

export interface WatchedDirectory {
  close(): void;
}

/** The net for what inotify misses, and for nodes that have no instance of it left: a user has 128, on all of a node. */
const POLL_MS = 5_000;
/** While there is nothing to work with. */
const PROBLEM_POLL_MS = 1_000;
/** A swap is half a dozen events; a writer that never stops must not keep us reading. */
const GATHER_MS = 10;
const MIN_INTERVAL_MS = 100;
/** Files that each change by themselves are taken when two readings this far apart are equal. */
const REST_MS = 100;
const MAX_UNREST_MS = 5_000;
/** Two changes within a tick of a file system's clock look like one; some have ticks of a second. */
const CLOCK_TICK_MS = 2_000;

/**
 * Calls `changed` with each version of a mounted directory, once for each, and when the directory cannot be read; for
 * the first time before the promise resolves. A version is whole: no file of another one is in it. As long as nothing
 * changes it costs a stat every five seconds, and one for each file where the writer does not swap versions.
 * @param notify inotify, unless a test shows what is left without it
 */
export async function watchDirectory(
  directory: string,
  changed: (reading: DirectoryReading) => void,
  notify: typeof watch = watch,
): Promise<WatchedDirectory> {
  let watcher: FSWatcher | undefined;
  /** The directory that `watcher` is on: what is mounted or made later is another. */
  let watched: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  /** Digest, or problem, that `changed` was told last. */
  let told: string | undefined;
  /** How the files looked when they were read; undefined when they must be read again. */
  let stamp: string | undefined;
  let names: readonly string[] = [];
  let candidate: { digest: string; sinceMs: number } | undefined;
  let unrestSinceMs: number | undefined;
  let gathering = false;
  let readAtMs = -Infinity;
  const first = Promise.withResolvers<void>();

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(look, delayMs);
    if (told !== undefined) timer.unref();
  }

  function gather(): void {
    if (gathering) return;
    gathering = true;
    schedule(Math.max(GATHER_MS, readAtMs + MIN_INTERVAL_MS - performance.now()));
  }

  function look(): void {
    gathering = false;
    if (stamp !== undefined && watcher && stampOf(directory, names) === stamp) return schedule(POLL_MS);
    follow();
    read();
  }

  /** Before the reading, so that what changes after it is seen. */
  function follow(): void {
    const identity = identityOf(directory);
    if (watcher && identity === watched) return;
    watcher?.close();
    watcher = undefined;
    watched = identity;
    if (identity === undefined) return;
    try {
      watcher = notify(directory, { persistent: false }, gather);
      watcher.on('error', () => (watched = undefined));
    } catch {
      // Polling is enough, if slower.
    }
  }

  function read(): void {
    readAtMs = performance.now();
    const reading = readDirectory(directory);
    stamp = undefined;
    if ('problem' in reading) return tell(reading, reading.problem, PROBLEM_POLL_MS);
    if (!reading.atomic && reading.digest !== told && !atRest(reading.digest)) return;
    candidate = undefined;
    unrestSinceMs = undefined;
    names = reading.atomic ? [] : [...reading.files.keys()];
    stamp = stampOf(directory, names);
    tell(reading, reading.digest, POLL_MS);
  }

  function atRest(digest: string): boolean {
    const nowMs = performance.now();
    if (candidate?.digest === digest && nowMs - candidate.sinceMs >= REST_MS) return true;
    if (candidate?.digest !== digest) candidate = { digest, sinceMs: nowMs };
    unrestSinceMs ??= nowMs;
    if (nowMs - unrestSinceMs < MAX_UNREST_MS) schedule(REST_MS);
    else tell({ problem: 'does not come to rest' }, 'does not come to rest', PROBLEM_POLL_MS);
    return false;
  }

  function tell(reading: DirectoryReading, what: string, nextMs: number): void {
    if (what !== told) {
      told = what;
      changed(reading);
    }
    first.resolve();
    schedule(nextMs);
  }

  look();
  await first.promise;
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      watcher?.close();
    },
  };
}

function identityOf(directory: string): string | undefined {
  const stat = statOf(directory);
  return stat && `${stat.dev}:${stat.ino}`;
}

/** Undefined when something is gone, or changed so lately that a further change would look the same. */
function stampOf(directory: string, names: readonly string[]): string | undefined {
  const stamps: string[] = [];
  for (const path of [directory, ...names.map((name) => `${directory}/${name}`)]) {
    const stat = statOf(path);
    if (!stat || Date.now() - Number(stat.ctimeMs) < CLOCK_TICK_MS) return undefined;
    stamps.push(`${stat.dev}:${stat.ino}:${stat.ctimeNs}:${stat.size}`);
  }
  return stamps.join('\n');
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
