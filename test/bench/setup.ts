/** What the bench needs on the machine: nginx, the load program, and processes bound to a core. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';

/** The proxy has core 0, the load side the next one (the same one where there is no other). */
export const PROXY_CORE = 0;
export const LOAD_CORE = Math.min(1, cpus().length - 1);

/** Debian's nginx; it is installed without being started. */
export function installNginx(): void {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
  } catch {
    const options = ['-o', 'DPkg::Lock::Timeout=300', '-q', '-y', '--no-install-recommends'];
    execFileSync('apt-get', [...options, 'install', 'nginx'], {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
  }
}

/** Builds a Go program without dependencies; quick when nothing changed. */
export function buildGo(sources: string, binary: string): string {
  mkdirSync(dirname(binary), { recursive: true });
  const files = readdirSync(sources).filter((each) => each.endsWith('.go'));
  execFileSync('go', ['build', '-o', binary, ...files], { cwd: sources, stdio: ['ignore', 2, 2] });
  return binary;
}

export const pinned = (core: number, command: string[]): string[] => [
  'taskset',
  '-c',
  String(core),
  ...command,
];

export function start(
  core: number,
  command: string[],
  {
    env = {},
    stdio = ['ignore', 'pipe', 'inherit'],
  }: { env?: Record<string, string>; stdio?: StdioOptions } = {},
): ChildProcess {
  const [file, ...rest] = pinned(core, command);
  return spawn(file!, rest, { stdio, env: { PATH: process.env.PATH, ...env } });
}
