/** The unmodified @modelcontextprotocol/server-everything over streamable HTTP, as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait-for.ts';

export const EVERYTHING_ENTRY = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
);

export interface RunningServer {
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

export async function startEverythingServer(
  port: number,
  transport: 'streamableHttp' | 'sse' = 'streamableHttp',
): Promise<RunningServer> {
  const child = spawn(process.execPath, [EVERYTHING_ENTRY, transport], {
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  process.once('exit', () => child.kill('SIGKILL'));
  try {
    await waitFor('server-everything', async () => {
      if (child.exitCode !== null) throw new Error(`server-everything ended with ${child.exitCode}`);
      // Anything at all: the paths of the two transports differ.
      return await fetch(`http://127.0.0.1:${port}/mcp`).catch(() => undefined);
    });
  } catch (error) {
    await kill();
    throw error;
  }
  return { kill };
}
