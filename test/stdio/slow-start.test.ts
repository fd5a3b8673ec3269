/** A server of 2026-07-28 that needs some time to start is not started again and again. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { spawnProxy } from '../plugin/proxy/spawn-proxy.ts';

const SERVER = join(import.meta.dirname, '..', 'conformance', 'reference', 'stdio-server.ts');
// More than it is given before it is asked in the way of the other era too.
const SLOW = 'echo started >> "$0"; sleep 2.5; exec "$@"';

test('a server that says nothing for a while is not started again and again', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-slow-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const starts = join(directory, 'starts');
  const command = ['sh', '-c', SLOW, starts, process.execPath, SERVER, 'both'];
  const proxy = await spawnProxy(['--auth=none', '--stdio-modern=shared', '--', ...command]);
  t.after(() => proxy.stop());
  const client = new Client(
    { name: 'patient', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await client.connect(new StreamableHTTPClientTransport(new URL(proxy.url)));
  assert.ok((await client.listTools()).tools.length > 0);
  await client.close();
  const count = readFileSync(starts, 'utf8').trim().split('\n').length;
  // One that is asked in two ways, one that is the sidecar's own, and the client's.
  assert.ok(count <= 3, `${count} processes were started`);
});
