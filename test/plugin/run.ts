/** Runs the command line in this process, with streams that are kept; or its bundle (test/bundles/programs.ts). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from '../../plugin/kube/client.ts';
import { runProgram } from '../../plugin/program.ts';
import { bufferStreams } from '../../plugin/streams.ts';
import { programOf, TESTS_BUNDLES } from '../bundles/programs.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Record<string, string | undefined>;
  readonly input?: string;
}

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
const CLOCK = join(import.meta.dirname, '../webhook/process/moved-clock.ts');

/** No kubeconfig unless `env` names one: tests must not reach whatever cluster a developer works with. */
export async function run(args: readonly string[], { env = {}, input = '' }: RunOptions = {}): Promise<Ran> {
  const environment = { KUBECONFIG: '/nonexistent', ...env };
  if (TESTS_BUNDLES) return runBundle(args, environment, input);
  const { streams, stdout, stderr } = bufferStreams(input);
  const code = await runProgram(args, {
    streams,
    env: environment,
    connect,
    nowMs: () => NOW_MS,
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout(), stderr: stderr() };
}

async function runBundle(args: readonly string[], env: RunOptions['env'], input: string): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', CLOCK, programOf('plugin'), ...args], {
    env: { ...env, CLOCK_OFFSET_MS: `${NOW_MS - Date.now()}` },
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}
