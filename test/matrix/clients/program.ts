/** A client in another language: gets its job on stdin, and says what came of each step in lines of JSON. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import {
  CANCEL_AFTER_MS,
  NOTIFICATION_MS,
  ROOT,
  SAMPLED,
  type Feature,
  type Outcome,
  type Seen,
  type Step,
} from '../steps.ts';

type Line = { version: string } | { feature: Feature; outcome: Outcome };
const DEADLINE_MS = 120_000;

export async function runProgram(
  [program = '', ...args]: readonly string[],
  { url, mode, steps }: { url: string; mode: string; steps: readonly Step[] },
): Promise<Seen> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const exited = once(child, 'exit');
  child.stdin.on('error', () => undefined);
  child.stdin.end(
    JSON.stringify({
      url,
      mode,
      steps,
      sampled: SAMPLED,
      root: ROOT,
      notificationMs: NOTIFICATION_MS,
      cancelAfterMs: CANCEL_AFTER_MS,
    }),
  );
  const [out, problem] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  clearTimeout(timer);
  let version: string | undefined;
  const outcomes = new Map<Feature, Outcome>();
  for (const line of out
    .split('\n')
    .filter(Boolean)
    .map((each) => JSON.parse(each) as Line)) {
    if ('version' in line) ({ version } = line);
    else outcomes.set(line.feature, line.outcome);
  }
  if (version === undefined) throw new Error(`did not connect: ${lastLine(problem)}`);
  if (outcomes.size < steps.length)
    throw new Error(`ended after ${outcomes.size} steps: ${lastLine(problem)}`);
  return { version, outcomes };
}

const lastLine = (words: string): string => words.trim().split('\n').at(-1) ?? '';
