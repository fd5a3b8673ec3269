/** A supervisor of another user on this machine, and what is to be seen of its processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownPlatform } from '../../../../manifests/platforms.ts';
import { SANITIZED, supervisorFor } from '../../../../manifests/supervisor.ts';
import type { Exit, LaunchedProcess, Launcher } from '../../../../sidecar/upstream/stdio/launcher.ts';
import {
  createPipesLauncher,
  type PipesLauncher,
} from '../../../../sidecar/upstream/stdio/pipes/pipes-launcher.ts';
import { waitFor } from '../../wire/wait-for.ts';

/** Only root can start a process of another user. */
export const whyNot = process.getuid?.() === 0 ? false : 'needs root';
const RUDE_SERVER = join(import.meta.dirname, 'rude-server.sh');

type Context = { after: (clean: () => void | Promise<void>) => void };

export interface Supervised {
  readonly run: string;
  readonly uid: number;
  readonly child: ChildProcess;
  /** What stands in the container's log. */
  readonly log: () => string;
  readonly launcher: PipesLauncher;
  readonly restart: () => Promise<void>;
  /** Without a status, killed by SIGKILL. */
  readonly ended: () => Promise<number | null>;
}

/** SANITIZED=1 runs all of these tests against that build; it grows, which one of them does not take. */
const sanitized = process.env.SANITIZED ? SANITIZED : undefined;

/** No two of a run have the same: by it their processes are counted. */
let nextUid = 100_000 + (process.pid % 20_000) * 10;

export function supervise(
  t: Context,
  command: readonly string[] = ['/bin/sh', RUDE_SERVER],
  { launches = true, flags = sanitized, under = [] as readonly string[] } = {},
): Supervised {
  const home = mkdtempSync(join(tmpdir(), 'supervised-'));
  chmodSync(home, 0o755);
  const run = join(home, 'run');
  mkdirSync(run);
  chmodSync(run, 0o777);
  const program = join(home, 'supervise');
  cpSync(supervisorFor(ownPlatform(), flags), program);
  cpSync(RUDE_SERVER, join(home, 'rude-server.sh'));
  const own = command.map((each) => (each === RUDE_SERVER ? join(home, 'rude-server.sh') : each));
  const uid = nextUid++;
  let log = '';
  const begin = (): ChildProcess => {
    const [file = program, ...words] = [...under, program, '--run', run, '--', ...own];
    const child = spawn(file, words, {
      uid,
      gid: uid,
      cwd: '/',
      // It may not be traced, as the search for leaks does.
      env: { PATH: '/usr/bin:/bin', ASAN_OPTIONS: 'detect_leaks=0' },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    child.stderr!.on('data', (bytes: Buffer) => (log = (log + bytes.toString('latin1')).slice(-100_000)));
    return child;
  };
  let child = begin();
  const launcher = launches
    ? createPipesLauncher({
        runDirectory: run,
        serversRunDirectory: run,
        startTimeoutMs: 15_000,
        log: () => {},
      })
    : (undefined as unknown as PipesLauncher);
  t.after(async () => {
    await launcher?.close();
    child.kill('SIGKILL');
    await waitFor('the last process', () => processesOf(uid).length === 0);
    rmSync(home, { recursive: true, force: true });
  });
  return {
    run,
    uid,
    launcher,
    log: () => log,
    get child() {
      return child;
    },
    async restart() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      child = begin();
    },
    async ended() {
      await waitFor('the end of the supervisor', () => child.exitCode !== null || child.signalCode !== null);
      return child.exitCode;
    },
  };
}

/** Zombies, too. */
export function processesOf(uid: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        if (
          statSync(`/proc/${id}`).uid !== uid &&
          !readFileSync(`/proc/${id}/status`, 'utf8').includes(`\nUid:\t${uid}\t`)
        )
          return [];
        return [
          `${id} ${readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]?.[0]} ${readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ')}`,
        ];
      } catch {
        return [];
      }
    });
}

export interface Launched {
  readonly id: string;
  readonly process: LaunchedProcess;
  readonly exit: Promise<Exit>;
  readonly stdout: () => string;
  readonly stderr: readonly string[];
  /** Sends a line, and waits for the same line back. */
  readonly echo: (line: string) => Promise<void>;
}

let count = 0;

export async function launch(
  launcher: Launcher,
  manner: string,
  env: Readonly<Record<string, string>> = {},
  prefix = 't',
): Promise<Launched> {
  const id = `${prefix}${(count++).toString(36)}`;
  const { promise: exit, resolve } = Promise.withResolvers<Exit>();
  const stderr: string[] = [];
  let stdout = '';
  const process = await launcher.launch(
    { id, env: { MANNER: manner, ...env } },
    {
      stdout: (bytes) => (stdout += bytes.toString('latin1')),
      stderr: (line) => stderr.push(line),
      exited: resolve,
    },
  );
  return {
    id,
    process,
    exit,
    stdout: () => stdout,
    stderr,
    async echo(line) {
      process.write(Buffer.from(`${line}\n`), () => {});
      await waitFor(`${line} of ${id}`, () => stdout.includes(`${line}\n`));
    },
  };
}
