import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { createAdminServer } from '../../sidecar/admin.ts';

const state = { draining: false };
const drained = Promise.withResolvers<{ callsLeft: number }>();
const server = createAdminServer({
  drainPath: '/drain/abcdefghijklmnop',
  draining: () => state.draining,
  drain: () => drained.promise,
  healthStatus: () => 'degraded',
  healthDetails: () => ({ status: 'degraded', secret: 'details' }),
  definitions: () => Promise.resolve({ servers: [] }),
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

  test('answers a probe however many connections others hold, and goes on draining', async () => {
    const draining = ask('/drain/abcdefghijklmnop');
    const held: Socket[] = [];
    for (let each = 0; each < 400; each++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      held.push(socket);
      await once(socket, 'connect');
      if (each % 100 === 99) assert.equal(await ask('/livez'), '200 ok\n');
    }
    const open = await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    assert.ok(open < 200, `${open}`);
    drained.resolve({ callsLeft: 0 });
    assert.equal(await draining, '200 {"callsLeft":0}\n');
    for (const socket of held) socket.destroy();
  });

  test('gives details of health to the loopback alone', async () => {
    for (const host of ['127.0.0.1', 'localhost'])
      assert.equal(await ask('/health', host), '200 {"status":"degraded","secret":"details"}\n');
  });

  test('gives the status alone to a page whose name leads here', async () => {
    const body = await new Promise<string>((resolve, reject) => {
      get({ port, path: '/health', headers: { host: `evil.example:${port}` } }, (response) =>
        text(response).then(resolve, reject),
      ).on('error', reject);
    });
    assert.equal(body, '{"status":"degraded"}\n');
  });

  test(
    'gives others the status alone',
    { skip: OTHER === undefined && 'no other address on this machine' },
    async () => {
      assert.equal(await ask('/health', OTHER), '200 {"status":"degraded"}\n');
    },
  );
});
