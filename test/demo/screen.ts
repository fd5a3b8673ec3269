/** What a person who watches the demo sees: a heading per step, each command as it could be typed, and its output. */
import { execFile, type ExecFileOptions } from 'node:child_process';

const TTY = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: string, text: string): string => (TTY ? `\u001b[${code}m${text}\u001b[0m` : text);
/** Long lists say enough with their first lines. */
const MAX_LINES = 14;

let steps = 0;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function heading(text: string): void {
  console.log(`\n${paint('1', `${++steps}. ${text}`)}`);
}

export function say(text: string): void {
  console.log(paint('2', `   ${text}`));
}

/** Runs a command and shows it; `shown` is how a person would type it. */
export async function run(
  shown: string,
  command: readonly string[],
  options: ExecFileOptions & { quiet?: boolean; lines?: number } = {},
): Promise<Ran> {
  if (!options.quiet) console.log(paint('36', `   $ ${shown}`));
  const ran = await execute(command, options);
  if (!options.quiet) show(ran.stdout + ran.stderr, options.lines ?? MAX_LINES);
  return ran;
}

export function show(text: string, most = MAX_LINES): void {
  if (most === 0) return;
  const lines = text.trimEnd().split('\n');
  for (const line of lines.slice(0, most)) console.log(`     ${line}`);
  if (lines.length > most) console.log(paint('2', `     … ${lines.length - most} more lines`));
}

/** The demo is the acceptance: what it claims it has seen. */
export function expect(claim: string, holds: boolean): void {
  if (!holds) throw new Error(`the demo expected that ${claim}`);
  console.log(`   ${paint('32', '✓')} ${claim}`);
}

function execute([program = '', ...args]: readonly string[], options: ExecFileOptions): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: 1 << 26, ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      resolve({ code, stdout, stderr });
    });
  });
}
