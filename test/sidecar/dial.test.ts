import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { programOf } from '../bundles/programs.ts';
import { freePorts } from '../conformance/ports.ts';

const ENTRY = programOf('dial');

function dial(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [ENTRY, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('a port that answers is open', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, stdout } = await dial('127.0.0.1', String(port));
  server.close();
  assert.deepEqual([code, stdout], [0, `{"host":"127.0.0.1","port":${port},"open":true}\n`]);
});

test('a port that refuses is closed, and says why', async () => {
  const [port] = (await freePorts(1)) as [number];
  const { code, stdout } = await dial('127.0.0.1', String(port), '--timeout-ms', '10000');
  assert.deepEqual(
    [code, JSON.parse(stdout)],
    [1, { host: '127.0.0.1', port, open: false, error: 'ECONNREFUSED' }],
  );
});

test('wrong arguments are told with the usage', async () => {
  for (const args of [
    [],
    ['host'],
    ['host', 'port'],
    ['host', '0'],
    ['host', '65536'],
    ['host', '1', '--timeout-ms', 'x'],
  ]) {
    const { code, stdout, stderr } = await dial(...args);
    assert.deepEqual(
      [code, stdout, stderr],
      [2, '', 'usage: dial HOST PORT [--timeout-ms N]\n'],
      args.join(' '),
    );
  }
});
