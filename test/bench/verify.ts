/** A proxy that does not do its work is fast: what must hold before and after a figure counts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetResult } from './scenarios.ts';
import type { Target } from './targets.ts';

/** Throws unless the sidecar asks for the token, filters the list and refuses what the list hides. */
export async function verifyProtects({ port, token }: Target): Promise<void> {
  const post = async (method: string, params: object, headers: Record<string, string>): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': '2025-11-25',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
  const authorization = { Authorization: `Bearer ${token}` };
  const anonymous = await post('tools/list', {}, {});
  assert.equal(anonymous.status, 401, 'a caller without a token is refused');
  await anonymous.text();
  const list = await (await post('tools/list', {}, authorization)).text();
  assert.ok(list.includes('"get_00"') && !list.includes('"delete_00"'), 'the list is filtered');
  const denied = await (await post('tools/call', { name: 'delete_00', arguments: {} }, authorization)).text();
  assert.ok(denied.includes('-32602'), 'a tool outside the list is refused');
}

/** Throws unless each measured call left its line; `directory` holds what the stopped sidecar wrote. */
export function verifyAudited({ name }: Target, { rounds }: TargetResult, directory: string): void {
  const lines = readFileSync(join(directory, `${name}.out.log`)).reduce(
    (sum, byte) => sum + (byte === 10 ? 1 : 0),
    0,
  );
  const calls = Object.values(rounds)
    .flat()
    .reduce((sum, each) => sum + each.calls, 0);
  assert.ok(lines >= calls, `${lines} lines of audit for ${calls} calls`);
}
