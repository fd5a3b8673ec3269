import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { listeningOn } from '../../sidecar/listening.ts';

for (const [host, expected] of [
  ['127.0.0.1', 'loopback'],
  ['127.9.9.9', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['0.0.0.0', 'all'],
  ['::', 'all'],
] as const) {
  test(`a server that listens on ${host}`, async () => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.equal(listeningOn(port), expected);
    server.close();
    await once(server, 'close');
    assert.equal(listeningOn(port), undefined);
  });
}

const line = (local: string, state: string) => `   0: ${local} 00000000:0000 ${state} 00000000:00000000`;

test('one of two addresses that is not of the loopback counts, and connections do not', () => {
  const loopback = line('0100007F:0BB8', '0A');
  assert.equal(listeningOn(3000, [`  sl  local_address\n${loopback}\n`]), 'loopback');
  assert.equal(listeningOn(3000, [loopback, line('0100DB0A:0BB8', '0A')]), 'all');
  assert.equal(listeningOn(3000, [loopback, line('0100DB0A:0BB8', '01')]), 'loopback');
  assert.equal(listeningOn(3000, ['', '']), undefined);
});
