/** Other programs, run to their end. */
import { execFile } from 'node:child_process';

export type Ran = { code: number; stdout: string; stderr: string };

/** Never rejects: the exit code tells. 127 when there is no such program. */
export function tryRun(command: readonly string[], input?: string): Promise<Ran> {
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    const child = execFile(file, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, stdout, stderr: stderr || (error?.message ?? '') });
    });
    child.stdin?.end(input);
  });
}

/** Rejects with the command and the end of what it wrote. */
export async function run(command: readonly string[], input?: string): Promise<string> {
  const ran = await tryRun(command, input);
  if (ran.code === 0) return ran.stdout;
  const said = (ran.stderr.trim() || ran.stdout.trim()).split('\n').slice(-15).join('\n  ');
  throw new Error(`${command.join(' ')} ended with ${ran.code}:\n  ${said}`);
}
