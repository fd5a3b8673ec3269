/** `kubectl mcp proxy` as a program of its own, on a port that was free unless told otherwise. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { programOf } from '../../bundles/programs.ts';

export interface RunningProxy {
  readonly url: string;
  readonly admin: string;
  readonly child: ChildProcess;
  /** Of stdout, behind the one with the URL: audit lines. */
  readonly lines: string[];
  stderr(): string;
  /** @returns the exit code, null when it had to be killed */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const KILL_MS = 15_000;

/** Returns when it listens. @throws with what it said when it does not */
export async function spawnProxy(
  args: readonly string[],
  options: { readonly input?: string; readonly listen?: string; readonly runtime?: string } = {},
): Promise<RunningProxy> {
  const { input = '', listen = '127.0.0.1:0', runtime } = options;
  const flags = ['proxy', ...(listen === 'none' ? [] : ['--listen', listen]), '-o', 'json', ...args];
  const child = spawn(process.execPath, [programOf('plugin'), ...flags], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: '/nonexistent',
      ...(runtime && { XDG_RUNTIME_DIR: runtime }),
    },
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit') as Promise<[number | null]>;
  child.stdin.end(input);
  const lines: string[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const first = Promise.withResolvers<string>();
  createInterface(child.stdout).on('line', (line) => {
    if (lines.push(line) === 1) first.resolve(line);
  });
  void exited.then(([code]) => {
    process.off('exit', kill);
    first.reject(new Error(`the proxy ended with ${code}:\n${stderr}`));
  });
  const { url, admin } = JSON.parse(await first.promise) as { url: string; admin: string };
  lines.shift();
  return {
    url,
    admin,
    child,
    lines,
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), KILL_MS);
      const [code] = await exited;
      clearTimeout(timer);
      return code;
    },
  };
}
