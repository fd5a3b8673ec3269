import { test } from 'node:test';
import { connect } from '../../plugin/kube/client.ts';
import { buildProgram } from '../../plugin/program.ts';
import { bufferStreams } from '../../plugin/streams.ts';
import { assertGolden } from '../webhook/golden.ts';
import { cliDoc } from './cli-doc.ts';

test('docs/cli.md says what the commands say of themselves', async () => {
  const program = await buildProgram({
    streams: bufferStreams().streams,
    env: {},
    connect,
    nowMs: Date.now,
    signal: new AbortController().signal,
  });
  assertGolden(new URL('../../docs/cli.md', import.meta.url), cliDoc(program));
});
