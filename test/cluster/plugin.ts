/** `kubectl mcp` from source, against the rig's cluster. */
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { layoutOf } from '../rig/cluster/layout.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'plugin', 'main.ts');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never throws for an exit code. */
export const kubectlMcp = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: layoutOf(process.env).kubeconfig };
    execFile(process.execPath, [MAIN, ...args], { env, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** With each piece of stderr as it came. */
export const kubectlMcpTimed = (...args: string[]) =>
  new Promise<{ code: number; said: { text: string; atMs: number }[] }>((resolve) => {
    const env = { ...process.env, KUBECONFIG: layoutOf(process.env).kubeconfig };
    const said: { text: string; atMs: number }[] = [];
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (text: Buffer) => said.push({ text: text.toString(), atMs: Date.now() }));
    child.on('close', (code) => resolve({ code: code ?? -1, said }));
  });
