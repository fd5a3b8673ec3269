/** One target at work: started, asked for cold starts, loaded for a round, stopped. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cpuUs } from './process.ts';
import type { Round, Scenario } from './scenarios.ts';
import { LOAD_CORE, PROXY_CORE, pinned, start } from './setup.ts';
import type { Target } from './targets.ts';

export interface Running extends Target {
  pid: number;
  stop: () => Promise<void>;
}

/** Starts a target with its output in a pipe that a process on the load side empties, as a container runtime does. */
export async function startTarget(target: Target, directory: string): Promise<Running> {
  const fifo = join(directory, `${target.name}.out`);
  execFileSync('mkfifo', [fifo]);
  const log = spawn('sh', ['-c', 'exec taskset -c "$1" cat "$2" > "$2.log"', 'sh', String(LOAD_CORE), fifo]);
  const output = openSync(fifo, constants.O_WRONLY);
  const errorFile = join(directory, `${target.name}.err`);
  const errors = openSync(errorFile, 'w');
  const child = start(PROXY_CORE, target.command, { env: target.env, stdio: ['ignore', output, errors] });
  closeSync(output);
  closeSync(errors);
  const stop = async (): Promise<void> => {
    await stopChild(child);
    if (log.exitCode === null) await once(log, 'exit');
  };
  try {
    await listening(target.port, child);
  } catch (error) {
    await stop();
    const said = readFileSync(errorFile, 'utf8').trim().split('\n').slice(-20).join('\n');
    throw new Error(`${target.name}: ${(error as Error).message}\n${said}`, { cause: error });
  }
  return { ...target, pid: child.pid!, stop };
}

/** SIGTERM, and SIGKILL when that was not enough in 5 s. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(timer);
}

/** Milliseconds from the start of the process to the first good answer to a tools/call, some times over. */
export async function coldStarts(load: string, target: Target, times: number): Promise<number[]> {
  const flags = [...whereOf(target), '-times', String(times), '--'];
  const command = pinned(LOAD_CORE, [load, 'cold', ...flags, ...pinned(PROXY_CORE, target.command)]);
  const { stdout } = await promisify(execFile)(command[0]!, command.slice(1), {
    env: { PATH: process.env.PATH, ...target.env },
  });
  return stdout.trim().split('\n').map(Number);
}

export interface RoundOptions {
  load: string;
  seconds: number;
}

/** Who is called, and as whom. */
export type Lane = Pick<Target, 'port' | 'token' | 'tls'> & {
  pid?: number;
  /** Of its process tree: whose processor time is its own. */
  counted?: (pid: number) => boolean;
};

const whereOf = ({ port, token, tls }: Lane): string[] => [
  '-address',
  `127.0.0.1:${port}`,
  '-token',
  token,
  ...(tls ? ['-tls'] : []),
];

/** One round; `pid` is absent where nothing stands between load and backend. */
export async function round(scenario: Scenario, lane: Lane, { load, seconds }: RoundOptions): Promise<Round> {
  const { pid, counted } = lane;
  const what = [
    '-call',
    scenario.call,
    `-sessions=${scenario.sessions}`,
    `-shared=${scenario.shared === true}`,
  ];
  const how = ['-connections', String(scenario.connections), '-duration', `${seconds}s`];
  const command = pinned(LOAD_CORE, [load, 'run', ...whereOf(lane), ...what, ...how]);
  const before = pid ? cpuUs(pid, counted) : 0;
  const { stdout } = await promisify(execFile)(command[0]!, command.slice(1));
  const after = pid ? cpuUs(pid, counted) : 0;
  const result = JSON.parse(stdout);
  if (result.failed || !result.calls)
    throw new Error(`${scenario.title}: ${result.failed} calls failed: ${result.firstFault}`);
  return { ...result, cpuUs: after - before };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    if (child.exitCode !== null)
      throw new Error(`it ended with exit code ${child.exitCode} before it listened`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error('it did not listen within 10 s');
}
