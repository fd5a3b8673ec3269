/** Runs the command line in this process, with streams that are kept. */
import { connect } from '../../plugin/kube/client.ts';
import { runProgram } from '../../plugin/program.ts';
import { bufferStreams } from '../../plugin/streams.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Record<string, string | undefined>;
  readonly input?: string;
}

/** No kubeconfig unless `env` names one: tests must not reach whatever cluster a developer works with. */
export async function run(args: readonly string[], { env = {}, input = '' }: RunOptions = {}): Promise<Ran> {
  const { streams, stdout, stderr } = bufferStreams(input);
  const code = await runProgram(args, {
    streams,
    env: { KUBECONFIG: '/nonexistent', ...env },
    connect,
    nowMs: () => Date.parse('2026-11-20T12:00:00Z'),
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout(), stderr: stderr() };
}
