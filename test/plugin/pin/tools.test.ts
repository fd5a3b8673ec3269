import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toolColumns } from '../../../plugin/commands/tools.ts';
import { tellFlagged } from '../../../plugin/pin/tell-flagged.ts';
import { formatTable } from '../../../plugin/print/table.ts';
import { bufferStreams } from '../../../plugin/streams.ts';
import { flaggedIn } from '../../../sidecar/filter/hidden-characters.ts';

const TOOL = {
  name: 'e\u200bcho',
  description: 'Says\u001b[2K it \u{e0041}again',
  inputSchema: { type: 'object' as const, properties: { 'a\u202e': {} } },
};

test('a table of tools sends nothing to the terminal that is not seen', () => {
  const text = formatTable(toolColumns(true), [TOOL], { wide: true, noHeaders: true });
  assert.match(text, /^e<U\+200B>cho .* \[a<U\+202E>\] .*Says<U\+001B>\[2K it <U\+E0041>again\n$/);
});

test('what is flagged is told on stderr, a line each', () => {
  const { streams, stderr } = bufferStreams();
  tellFlagged(flaggedIn([TOOL]), streams);
  assert.deepEqual(stderr().split('\n'), [
    'Warning: tool "e<U+200B>cho": name has U+200B, which is not seen',
    'Warning: tool "e<U+200B>cho": description has U+001B, U+E0041, which is not seen',
    'Warning: tool "e<U+200B>cho": inputSchema.properties.a<U+202E> has U+202E, which is not seen',
    '',
  ]);
});
