import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressIn, compileTrustedProxies } from '../../../sidecar/edge/client-address.ts';

const proxies = compileTrustedProxies(['10.0.0.0/8', '192.168.1.1/32', 'fd00::/8']);

test('peers are trusted by their range', () => {
  for (const address of ['10.1.2.3', '192.168.1.1', 'fd00::1'])
    assert.ok(proxies.isTrusted(address), address);
  for (const address of ['11.0.0.1', '192.168.1.2', 'fe80::1', '::1', '', 'unknown'])
    assert.ok(!proxies.isTrusted(address), address);
});

test('the client is the last address that is no trusted proxy’s', () => {
  for (const [header, client] of [
    ['203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['1.1.1.1, 203.0.113.7, 10.9.9.9', '203.0.113.7'],
    ['203.0.113.7,10.9.9.9,192.168.1.1', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['10.3.3.3, 10.2.2.2', '10.3.3.3'],
    // What no address is, ends what is believed.
    ['', '10.0.0.1'],
    ['unknown', '10.0.0.1'],
    ['203.0.113.7, unknown', '10.0.0.1'],
    ['203.0.113.7, unknown, 10.2.2.2', '10.2.2.2'],
    ['203.0.113.7,', '10.0.0.1'],
    ['<script>', '10.0.0.1'],
    ['203.0.113.7.8', '10.0.0.1'],
    ['fe80::1%eth0', '10.0.0.1'],
    [`${'9'.repeat(5_000)}`, '10.0.0.1'],
    [`${','.repeat(5_000)}`, '10.0.0.1'],
    [`1.1.1.1${', 10.0.0.2'.repeat(1_000)}`, '1.1.1.1'],
  ] as const)
    assert.equal(proxies.behind('10.0.0.1', header), client, header.slice(0, 80));
});

test('addresses are read without port and brackets', () => {
  assert.equal(addressIn('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(addressIn(' 10.0.0.1 '), '10.0.0.1');
  assert.equal(addressIn('::1'), '::1');
  assert.equal(addressIn('localhost'), undefined);
});
