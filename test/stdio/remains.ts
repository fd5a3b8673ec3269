/** What sessions could leave behind: processes, zombies among them, descriptors, pipes. */
import { globSync, readdirSync, readFileSync } from 'node:fs';

export interface Remains {
  readonly processes: number;
  readonly zombies: number;
  /** Directories of processes among them. */
  readonly pipes: number;
  readonly descriptors: number;
}

/** @param roots processes whose descendants are the sessions' */
export function remains(roots: readonly number[], runDirectory: string): Remains {
  const all = descendants(roots);
  return {
    processes: all.filter(({ state }) => state !== 'Z').length,
    zombies: all.filter(({ state }) => state === 'Z').length,
    pipes: globSync('**', { cwd: runDirectory }).length,
    descriptors: roots.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
  };
}

/** Whoever has them as ancestors, by the kernel's word of now. */
export function descendants(roots: readonly number[]): { pid: number; state: string }[] {
  const parents = new Map<number, { parent: number; state: string }>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : '';
    const [, state = '', parent = ''] = /\) (\S) (\d+)/.exec(stat) ?? [];
    if (state) parents.set(Number(name), { parent: Number(parent), state });
  }
  const belongs = (pid: number): boolean => {
    const parent = parents.get(pid)?.parent ?? 0;
    return parent > 0 && (roots.includes(parent) || belongs(parent));
  };
  return [...parents].filter(([pid]) => belongs(pid)).map(([pid, { state }]) => ({ pid, state }));
}

/** Empty for one that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
