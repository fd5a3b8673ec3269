/** The webhook's processes as the node sees them: memory and CPU. */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export interface Usage {
  readonly residentMb: number;
  /** All that its cgroup is charged with, file pages included. */
  readonly cgroupMb: number;
  readonly cpuSeconds: number;
}

/** Found by its command: one for each replica, whose containers are processes of this machine. */
export const webhookPids = (): number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const argv = read(`/proc/${pid}/cmdline`).split('\0');
      return argv[0]?.endsWith('/node') && argv.some((each) => /^\/app\/webhook\.\w+$/.test(each));
    });

export function usageOf(pid: number): Usage {
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ');
  return {
    residentMb: Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1]) / 1024,
    cgroupMb: Number(read(memoryFileOf(pid))) / 2 ** 20,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}

function memoryFileOf(pid: number): string {
  const lines = read(`/proc/${pid}/cgroup`).split('\n');
  const v1 = lines.find((line) => /^\d+:memory:/.test(line));
  if (v1 !== undefined) return `/sys/fs/cgroup/memory${v1.split(':')[2]}/memory.usage_in_bytes`;
  return `/sys/fs/cgroup${lines.find((line) => line.startsWith('0::'))?.slice(3)}/memory.current`;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Ended while we looked.
  }
}
