/** `kubectl mcp` from source, against the rig's cluster. */
import { execFile } from 'node:child_process';
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
