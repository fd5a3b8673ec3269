/** Daemons that outlive this program, found again by the mark in their environment. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MARK_ENV } from './layout.ts';
import type { Layout } from './layout.ts';

export type Running = { pid: number; argv: readonly string[] };

/** A proxy meant for the internet must not stand between the parts of the node. */
const isProxyVariable = (name: string): boolean => /_proxy$/i.test(name);

export function startDaemon(layout: Layout, name: string, command: readonly string[]): void {
  const [file = '', ...args] = command;
  const log = openSync(join(layout.logs, `${name}.log`), 'a');
  const inherited = Object.entries(process.env).filter(([key]) => !isProxyVariable(key));
  const env = { ...Object.fromEntries(inherited), [MARK_ENV]: layout.state };
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], env, cwd: layout.state });
  // A program that is not there shows itself as a component that never answers; its log says why.
  child.on('error', (error) => process.stderr.write(`\n${name}: ${error.message}\n`));
  child.unref();
  closeSync(log);
}

/** Every process that carries this cluster's mark: daemons and containerd's shims, whoever their parent is now. */
export async function ownProcesses(layout: Layout): Promise<Running[]> {
  const mark = `${MARK_ENV}=${layout.state}`;
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(pids.map((pid) => readMarked(pid, mark)));
  return found.filter((each) => each !== null);
}

async function readMarked(pid: number, mark: string): Promise<Running | null> {
  try {
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1');
    if (!environ.split('\0').includes(mark)) return null;
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0').slice(0, -1);
    return { pid, argv };
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
