import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createHttpPool } from '../../../sidecar/upstream/http-pool.ts';
import { createTlsOpener } from '../../../sidecar/upstream/tls-opener.ts';
import { createAuthority } from '../../certificates.ts';

const MEGABYTE = Buffer.alloc(1024 * 1024);
const MEGABYTES = 64;

test('a call that is paused takes no more of its answer over TLS, and then all of it', async () => {
  const pair = await (await createAuthority()).issue(['localhost']);
  const server = createServer({ cert: pair['tls.crt'], key: pair['tls.key'] }, (_, response) => {
    response.writeHead(200, { 'content-length': String(MEGABYTES * MEGABYTE.length) });
    for (let at = 0; at < MEGABYTES; at++) response.write(MEGABYTE);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const opener = await createTlsOpener({ port: 443, tls: { insecureSkipVerify: true } }, () => undefined);
  const { port } = server.address() as AddressInfo;
  const pool = createHttpPool({ addresses: ['127.0.0.1'], port, path: '/', open: opener.open });
  after(() => {
    pool.close();
    server.closeAllConnections();
    server.close();
  });
  let size = 0;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const call = pool.send(
    { method: 'GET', headerLines: '' },
    {
      head: () => undefined,
      chunk(bytes) {
        if (size === 0) begin();
        size += bytes.length;
      },
      end: resolve,
      fail: reject,
    },
  );
  await begun;
  call.pause();
  const paused = size;
  await delay(300);
  assert.ok(size - paused < MEGABYTE.length, `${size - paused} bytes came`);
  call.resume();
  await ended;
  assert.equal(size, MEGABYTES * MEGABYTE.length);
});
