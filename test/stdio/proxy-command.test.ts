/** `kubectl mcp proxy -- COMMAND`: whose process it is, how many, and what is told when one ends. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { spawnProxy, type RunningProxy } from '../plugin/proxy/spawn-proxy.ts';
import { npmPackages } from '../programs/built-once.ts';
import { connectV1, connectV2 } from '../sidecar/wire/sdk-clients.ts';

const thinking = (): string =>
  join(
    npmPackages(join(import.meta.dirname, '../images/stdio')),
    'node_modules/@modelcontextprotocol/server-sequential-thinking/dist/index.js',
  );
const think = { thought: 'x', thoughtNumber: 1, totalThoughts: 9, nextThoughtNeeded: true };
const lengthIn = (text: string): number =>
  (JSON.parse(text) as { thoughtHistoryLength: number }).thoughtHistoryLength;

async function withProxy(
  { flags = [], command }: { flags?: readonly string[]; command: readonly string[] },
  use: (proxy: RunningProxy) => Promise<void>,
): Promise<void> {
  const proxy = await spawnProxy(['--audit', 'none', ...flags, '--', ...command]);
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
  }
}

const initialize = (url: string): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  });

describe('a command behind "--"', () => {
  test('is one process for all where it is shared, whichever era they speak', async () => {
    const command = [process.execPath, thinking()];
    await withProxy({ flags: ['--stdio-sessions', 'shared'], command }, async ({ url }) => {
      const clients = [await connectV1(url), await connectV2(url), await connectV1(url)];
      const lengths: number[] = [];
      for (const each of clients) lengths.push(lengthIn(await each.callTool('sequentialthinking', think)));
      assert.deepEqual(lengths, [1, 2, 3]);
      for (const each of clients) await each.close();
    });
  });

  test('is a process for each request of a client without sessions, unless callers have names', async () => {
    await withProxy({ command: [process.execPath, thinking()] }, async ({ url }) => {
      const client = await connectV2(url);
      const first = lengthIn(await client.callTool('sequentialthinking', think));
      const second = lengthIn(await client.callTool('sequentialthinking', think));
      assert.deepEqual([client.era, first, second], ['modern', 1, 1]);
      await client.close();
    });
  });

  test('is refused to one more than there may be, with the time to come back', async () => {
    const flags = ['--max-stdio-processes', '1'];
    await withProxy({ flags, command: [process.execPath, thinking()] }, async ({ url }) => {
      const client = await connectV1(url);
      const refused = await initialize(url);
      assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5']);
      assert.match(await refused.text(), /max-stdio-processes/);
      await client.terminate();
      assert.equal((await initialize(url)).status, 200);
      await client.close();
    });
  });

  test('that ends at once is told with its exit code and last words, without secrets', async () => {
    const program = 'console.error("API_KEY=hunter2hunter2 is not valid"); process.exit(3)';
    await withProxy({ command: [process.execPath, '-e', program] }, async ({ url }) => {
      const refused = await initialize(url);
      const text = await refused.text();
      assert.equal(refused.status, 502);
      assert.match(text, /ended with exit code 3: API_KEY=\*\*\* is not valid/);
    });
  });

  test('that is not there is told so', async () => {
    await withProxy({ command: ['/no/such/program'] }, async ({ url }) => {
      assert.match(await (await initialize(url)).text(), /cannot start \/no\/such\/program: no such program/);
    });
  });

  test('leaves nothing behind, what it has started itself included', async () => {
    const program = `const { spawn } = require('child_process');
      const child = spawn('sleep', ['600'], { stdio: 'ignore' });
      console.error('pid ' + child.pid + ' home ' + process.env.HOME);
      process.on('SIGTERM', () => {});
      setInterval(() => {}, 1000);`;
    const pid = /pid (\d+) home (\S+)/;
    const proxy = await spawnProxy(['--audit', 'none', '--', process.execPath, '-e', program]);
    while (!pid.test(proxy.stderr())) await new Promise((resolve) => setTimeout(resolve, 50));
    const [, grandchild, home = ''] = pid.exec(proxy.stderr()) ?? [];
    assert.equal(existsSync(home), true);
    assert.equal(await proxy.stop(), 0);
    assert.deepEqual([existsSync(`/proc/${grandchild}`), existsSync(home)], [false, false]);
  });
});
