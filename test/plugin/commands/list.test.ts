import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listColumns } from '../../../plugin/commands/list.ts';
import type { McpServer } from '../../../plugin/model.ts';

const tools = listColumns(0, { withNamespace: false }).find(({ header }) => header === 'TOOLS')!;
const shown = (count: number, ...servers: object[]): string =>
  tools.value({ health: { status: 'healthy', version: '1', tools: count, servers } } as unknown as McpServer);

test('TOOLS is how many callers see, at most where it depends on who they are', () => {
  assert.equal(shown(13, { connected: true }), '13');
  assert.equal(shown(13, { connected: true, per_caller: true }, { connected: true }), '<=13');
  assert.equal(shown(0, { connected: true, per_caller: true }), '0');
  assert.equal(shown(13, { connected: true }, { connected: false, per_caller: true }), '-');
  assert.equal(tools.value({} as McpServer), '-');
});
