/** A memory cgroup as a container has one, where this machine lets us make one (v1, as root; v2 where memory is delegated). */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryCgroup {
  /** Stands in front of a command that shall live in it. */
  readonly launcher: readonly string[];
  /** Bytes: the most that was charged. */
  peakMb(): number;
  /** How often the kernel killed in it. */
  oomKills(): number;
  remove(): void;
}

interface Layout {
  readonly root: string;
  readonly limit: string;
  readonly peak: string;
  readonly events: string;
}

const LAYOUTS: readonly Layout[] = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
  { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
];

/** Undefined where none can be made. */
export function createMemoryCgroup(name: string, mib: number): MemoryCgroup | undefined {
  for (const { root, limit, peak, events } of LAYOUTS) {
    const path = join(root, name);
    try {
      mkdirSync(path);
    } catch {
      continue;
    }
    if (!existsSync(join(path, limit))) {
      rmdirSync(path);
      continue;
    }
    writeFileSync(join(path, limit), String(mib * 2 ** 20));
    return {
      launcher: ['sh', '-c', `echo $$ > ${join(path, 'cgroup.procs')} && exec "$@"`, 'sh'],
      peakMb: () => Number(readFileSync(join(path, peak), 'utf8')) / 2 ** 20,
      oomKills: () => Number(/^oom_kill (\d+)/m.exec(readFileSync(join(path, events), 'utf8'))?.[1] ?? 0),
      remove: () => rmdirSync(path),
    };
  }
  return undefined;
}
