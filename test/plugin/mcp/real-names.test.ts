import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toolColumns } from '../../../plugin/commands/tools.ts';
import { renamedIn } from '../../../plugin/mcp/real-names.ts';
import { formatTable } from '../../../plugin/print/table.ts';

test('the own names of renamed tools stand beside those that callers know', () => {
  const tools = ['pods', 'echo'].map((name) => ({ name, inputSchema: { type: 'object' as const } }));
  const renamed = renamedIn([{ name: 'get_pods', shown: 'pods' }, { name: 'echo' }]);
  const lines = formatTable(toolColumns(true, renamed), tools, { wide: true, noHeaders: false }).split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(/ {2,}/).slice(0, 2)),
    [['NAME', 'OWN NAME'], ['pods', 'get_pods'], ['echo', 'echo'], ['']],
  );
  assert.doesNotMatch(formatTable(toolColumns(true), tools, { wide: true, noHeaders: false }), /OWN NAME/);
});
