/** Starts a command on this machine: each time in a group of its own, with a home of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UpstreamError } from '../upstream-error.ts';
import { LineReader } from './line-reader.ts';
import type { LaunchedProcess, Launcher, LaunchSpec, ProcessEvents } from './launcher.ts';

export interface LocalCommand {
  readonly command: readonly string[];
  /** What the command is started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const STDERR_LINES = 20;
const MAX_LINE_CHARS = 1_000;
const MAX_LINE_BYTES = 64 * 1024;
/** How long a server may take to end by itself, and again when asked to (2026-07-28, stdio: shutdown). */
const END_MS = 1_000;
const TERM_MS = 2_000;
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

export function createLocalLauncher({ command, env }: LocalCommand): Launcher {
  const [program = '', ...args] = command;
  const running = new Set<Promise<void>>();
  const stops = new Set<() => void>();
  let root: string | undefined;

  function launch({ id, env: added }: LaunchSpec, events: ProcessEvents): Promise<LaunchedProcess> {
    const directory = join((root ??= mkdtempSync(join(tmpdir(), 'kubectl-mcp-stdio-'))), id);
    for (const each of ['home', 'tmp']) mkdirSync(join(directory, each), { recursive: true, mode: 0o700 });
    const replaced = Object.entries(added).map(([name, value]) => [
      name,
      value.replaceAll('{session-dir}', directory),
    ]);
    const child = spawn(program, args, {
      detached: true,
      env: { ...env, ...cachesOf(env), ...placesIn(directory), ...Object.fromEntries(replaced) },
    });
    const ended = Promise.withResolvers<void>();
    running.add(ended.promise);
    const stop = stopper(child);
    stops.add(stop);
    const stderr: string[] = [];
    const said = (line: Buffer): void => {
      const cut = line.toString('utf8').slice(0, MAX_LINE_CHARS);
      stderr.push(cut);
      if (stderr.length > STDERR_LINES) stderr.shift();
      events.stderr(cut);
    };
    const lines = new LineReader(MAX_LINE_BYTES, { line: said, tooLong: said, endless: () => undefined });
    child.stderr.on('data', (bytes: Buffer) => lines.push(bytes));
    child.stdout.on('data', (bytes: Buffer) => events.stdout(bytes));
    child.stdin.on('error', () => undefined);
    const gone = (exit: { code?: number; signal?: string }): void => {
      // Its pipes may close when it was told already: by the end of what it had started.
      if (!running.delete(ended.promise)) return;
      stops.delete(stop);
      // What it has started itself.
      signalGroup(child, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true });
      events.exited({ ...exit, stderr });
      ended.resolve();
    };
    return new Promise((resolve, reject) => {
      child.once('spawn', () => {
        // A grandchild may hold the pipes open for as long as it likes.
        child.once('exit', (code, signal) => {
          const told = (): void =>
            gone({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) });
          const timer = setTimeout(told, END_MS);
          child.once('close', () => {
            clearTimeout(timer);
            told();
          });
        });
        resolve({
          write(bytes, failed) {
            if (child.stdin.writableLength > MAX_UNREAD_BYTES)
              return failed(new UpstreamError('the server does not read what it is sent'));
            child.stdin.write(bytes, (error) => error && failed(error));
          },
          pause: () => void child.stdout.pause(),
          resume: () => void child.stdout.resume(),
          stop,
        });
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (child.pid !== undefined) return;
        running.delete(ended.promise);
        stops.delete(stop);
        rmSync(directory, { recursive: true, force: true });
        const why = error.code === 'ENOENT' ? 'no such program' : (error.code ?? error.message);
        reject(new UpstreamError(`cannot start ${program}: ${why}`, 'exited'));
      });
    });
  }

  return {
    launch,
    async close() {
      for (const stop of stops) stop();
      await Promise.all(running);
      if (root !== undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Closes stdin, waits, then TERM and KILL to the whole group. */
function stopper(child: ChildProcessWithoutNullStreams): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    child.stdin.end();
    child.stdout.resume();
    const term = setTimeout(() => signalGroup(child, 'SIGTERM'), END_MS);
    const kill = setTimeout(() => signalGroup(child, 'SIGKILL'), END_MS + TERM_MS);
    child.once('exit', () => {
      clearTimeout(term);
      clearTimeout(kill);
    });
  };
}

function signalGroup({ pid }: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // There is none left.
  }
}

const placesIn = (directory: string): Record<string, string> => {
  const home = join(directory, 'home');
  const tmp = join(directory, 'tmp');
  return {
    HOME: home,
    TMPDIR: tmp,
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_STATE_HOME: join(home, '.local/state'),
    XDG_RUNTIME_DIR: tmp,
  };
};

/** What npx and uvx have downloaded is no state of a session: it is not downloaded for each. */
function cachesOf({
  HOME,
  XDG_CACHE_HOME,
  XDG_DATA_HOME,
  ...env
}: LocalCommand['env']): Record<string, string> {
  if (HOME === undefined) return {};
  const caches = {
    npm_config_cache: join(HOME, '.npm'),
    UV_CACHE_DIR: join(XDG_CACHE_HOME ?? join(HOME, '.cache'), 'uv'),
    UV_PYTHON_INSTALL_DIR: join(XDG_DATA_HOME ?? join(HOME, '.local/share'), 'uv/python'),
  };
  return Object.fromEntries(Object.entries(caches).filter(([name]) => env[name] === undefined));
}
