/** What the kernel knows of a process and its children: processor time and memory. */
import { readFileSync, readdirSync } from 'node:fs';

/** Processor time of a process tree in microseconds, from the scheduler's nanoseconds (utime has 10 ms ticks). */
export function cpuUs(root: number, counted: (pid: number) => boolean = () => true): number {
  let ns = 0;
  for (const pid of tree(root).filter(counted)) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return ns / 1000;
}

/** Resident memory of a process tree in MB: now, and the sum of each process's highest. */
export function memoryMb(root: number): { resident: number; peak: number } {
  const sum = { resident: 0, peak: 0 };
  for (const pid of tree(root)) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    sum.resident += field(status, 'VmRSS') / 1024;
    sum.peak += field(status, 'VmHWM') / 1024;
  }
  return sum;
}

/** A process and all that descend from it; one that has ended meanwhile is left out. */
export function tree(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`)
      .map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim())
      .filter((listed) => listed !== '');
    return [pid, ...children.flatMap((listed) => listed.split(' ')).flatMap((each) => tree(Number(each)))];
  } catch {
    return [];
  }
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}
