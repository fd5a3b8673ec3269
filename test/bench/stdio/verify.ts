/** What the others do not do must hold of ours before its figures count. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Target } from '../targets.ts';
import type { StdioResult } from './scenarios.ts';

/** Throws unless the sidecar asks for the token, filters the list and refuses what the list hides. */
export async function verifyProtects({ port, token }: Target): Promise<void> {
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
  const anonymous = await fetch(url, { method: 'POST', headers, body: '{}' });
  assert.equal(anonymous.status, 401, 'a caller without a token is refused');
  await anonymous.text();
  const client = new Client({ name: 'verify', version: '1' });
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  const transport = new StreamableHTTPClientTransport(url, { requestInit });
  await client.connect(transport as Transport);
  const names = (await client.listTools()).tools.map(({ name }) => name);
  assert.ok(names.includes('get_00') && !names.includes('delete_00'), 'the list is filtered');
  await assert.rejects(client.callTool({ name: 'delete_00', arguments: {} }), { code: -32602 });
  await transport.terminateSession();
  await client.close();
}

/** Throws unless each measured call left its line. */
export function verifyAudited({ name }: Target, { rounds }: StdioResult, directory: string): void {
  const lines = readFileSync(join(directory, `${name}.out.log`), 'utf8').split('\n').length;
  const calls = Object.values(rounds)
    .flatMap((each) => (typeof each === 'string' ? [] : each))
    .reduce((sum, each) => sum + each.calls, 0);
  assert.ok(lines >= calls, `${lines} lines of audit for ${calls} calls`);
}
