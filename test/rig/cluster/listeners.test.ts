import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { takenPorts } from './listeners.ts';

for (const [title, host, wanted] of [
  ['on the address itself', '127.0.0.1', '127.0.0.1'],
  ['on all addresses', '0.0.0.0', '127.0.0.1'],
  ['on all of IPv6, which takes those of IPv4 too', '::', '10.219.255.1'],
] as const) {
  test(`a listener ${title} takes the port, and is named`, async (t) => {
    const server = createServer();
    t.after(() => server.close());
    const listening = await new Promise<boolean>((resolve) =>
      server.once('error', () => resolve(false)).listen(0, host, () => resolve(true)),
    );
    if (!listening) return t.skip(`no ${host} here`);
    const { port } = server.address() as AddressInfo;
    const [taken] = takenPorts([{ address: wanted, port }]);
    assert.match(taken ?? '', new RegExp(`^${wanted}:${port} \\(.+, pid ${process.pid}\\)$`));
  });
}

test('a listener on another address does not', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  assert.deepEqual(takenPorts([{ address: '10.219.255.1', port }]), []);
});
