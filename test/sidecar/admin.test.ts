import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { createAdminServer } from '../../sidecar/admin.ts';

const state = { draining: false };
const server = createAdminServer({
  drainPath: '/drain/abcdefghijklmnop',
  draining: () => state.draining,
  drain: () => Promise.resolve({ callsLeft: 0 }),
  healthStatus: () => 'degraded',
  healthDetails: () => ({ status: 'degraded', secret: 'details' }),
  metrics: () => 'a 1\n',
});
let port: number;
before(async () => {
  server.listen(0);
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const ask = async (path: string, host = '127.0.0.1', method = 'GET') => {
  const response = await fetch(`http://${host}:${port}${path}`, { method });
  return `${response.status} ${await response.text()}`;
};
/** An address of this machine that is not the loopback's. */
const OTHER = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

describe('the admin port', () => {
  test('answers probes, metrics and nothing else', async () => {
    assert.equal(await ask('/livez'), '200 ok\n');
    assert.equal(await ask('/readyz?verbose'), '200 ok\n');
    assert.equal(await ask('/metrics'), '200 a 1\n');
    for (const path of ['/', '/drain', '/mcp', '/livez/', '//livez'])
      assert.match(await ask(path), /^404/, path);
    for (const method of ['POST', 'PUT', 'DELETE'])
      assert.match(await ask('/livez', '127.0.0.1', method), /^405/);
  });

  test('is not ready and yet alive while it drains', async () => {
    state.draining = true;
    assert.equal(await ask('/readyz'), '503 draining\n');
    assert.equal(await ask('/livez'), '200 ok\n');
    state.draining = false;
  });

  test('gives details of health to the loopback alone', async () => {
    for (const host of ['127.0.0.1', 'localhost'])
      assert.equal(await ask('/health', host), '200 {"status":"degraded","secret":"details"}\n');
  });

  test(
    'gives others the status alone',
    { skip: OTHER === undefined && 'no other address on this machine' },
    async () => {
      assert.equal(await ask('/health', OTHER), '200 {"status":"degraded"}\n');
    },
  );
});
