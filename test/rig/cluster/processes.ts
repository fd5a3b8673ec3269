/** Daemons that outlive this program, found again by the mark in their environment. */
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MARK_ENV } from './layout.ts';
import type { Layout } from './layout.ts';

export type Running = { pid: number; argv: readonly string[] };
type Marked = Running & { state: string };

const MARK = `${MARK_ENV}=`;

/** A proxy meant for the internet must not stand between the parts of the node. */
const isProxyVariable = (name: string): boolean => /_proxy$/i.test(name);

/** Returned: whether it has ended since. */
export function startDaemon(layout: Layout, name: string, command: readonly string[]): () => boolean {
  const [file = '', ...args] = command;
  const log = openSync(join(layout.logs, `${name}.log`), 'a');
  const inherited = Object.entries(process.env).filter(([key]) => !isProxyVariable(key));
  const env = { ...Object.fromEntries(inherited), [MARK_ENV]: layout.state };
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], env, cwd: layout.state });
  let ended = false;
  child.on('error', (error) => {
    writeSync(log, `${error.message}\n`);
    ended = true;
  });
  child.on('exit', () => (ended = true));
  child.unref();
  // The descriptor stays open as long as this program: a spawn that fails says so later.
  return () => ended;
}

/** Every process that carries this cluster's mark: daemons and containerd's shims, whoever their parent is now. */
export const ownProcesses = async (layout: Layout): Promise<Running[]> =>
  (await markedProcesses()).filter((each) => each.state === layout.state);

/** State directory of another cluster of this rig that runs; the two would take each other's addresses. */
export const otherCluster = async (layout: Layout): Promise<string | undefined> =>
  (await markedProcesses()).find((each) => each.state !== layout.state)?.state;

async function markedProcesses(): Promise<Marked[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  return (await Promise.all(pids.map(readMarked))).filter((each) => each !== null);
}

async function readMarked(pid: number): Promise<Marked | null> {
  try {
    const environ = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0');
    const mark = environ.find((each) => each.startsWith(MARK));
    if (mark === undefined) return null;
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0').slice(0, -1);
    return { pid, argv, state: mark.slice(MARK.length) };
  } catch {
    return null; // Ended while we looked.
  }
}

/** True when there was such a process. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The end of a daemon's log, for an error that a person reads. */
export async function logTail(layout: Layout, name: string, lines = 15): Promise<string> {
  const file = join(layout.logs, `${name}.log`);
  const text = await readFile(file, 'utf8').catch(() => '(no log)');
  return `${file}:\n${text.trimEnd().split('\n').slice(-lines).join('\n')}`;
}
