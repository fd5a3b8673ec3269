/** What a hostile client can make the sidecar keep: each table has a bound in bytes, not in entries that it sizes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createConnectionMemo } from '../../sidecar/auth/connection-memo.ts';
import { createSessions, type Session } from '../../sidecar/sessions.ts';
import { createCatalogue } from '../../sidecar/upstream/catalogue.ts';
import { createHttpPool } from '../../sidecar/upstream/http-pool.ts';
import { freePorts } from '../conformance/ports.ts';
import { liveMb } from './live-memory.ts';

const POD = { uid: 'uid-1', address: '10.0.0.1:7410' };

test('sessions: 100 MB of them leave at most 6 MB, and every one of them still opens', () => {
  const sessions = createSessions(POD);
  const open = (): Session =>
    sessions.seal({
      upstreamId: randomBytes(16).toString('hex'),
      principal: 'digest-of-alice',
      version: '2025-11-25',
      initializeParams: JSON.stringify({ text: randomBytes(900).toString('hex') }),
    });
  open();
  const beforeMb = liveMb();
  const { sealed } = open();
  for (let count = 0; count < 20_000; count++) open();
  const grownMb = liveMb() - beforeMb;
  assert.ok(grownMb < 6, `${grownMb.toFixed(1)} MB`);
  assert.equal(sessions.open(sealed, 'digest-of-alice')?.sealed, sealed);
});

test('connections: what each proved is kept, and not the 64 KiB of the pool that it came in', () => {
  const memo = createConnectionMemo<string>();
  const connections = Array.from({ length: 1_000 }, () => ({}));
  const beforeMb = liveMb();
  for (const connection of connections) {
    memo.remember(connection, Buffer.from('token-of-a-caller'), 'alice');
    // Traffic between two connections uses up the pool.
    for (let count = 0; count < 20; count++) Buffer.from('x'.repeat(8_000));
  }
  const grownMb = liveMb() - beforeMb;
  assert.ok(grownMb < 3, `${grownMb.toFixed(1)} MB`);
  assert.equal(memo.recall(connections[0]!, Buffer.from('token-of-a-caller')), 'alice');
});

test('calls that wait for a server that is away leave nothing behind', async () => {
  const [port] = (await freePorts(1)) as [number];
  const pool = createHttpPool({ addresses: ['127.0.0.1'], port, path: '/mcp' });
  const catalogue = createCatalogue(pool, () => undefined);
  const wait = () => Promise.all(Array.from({ length: 10_000 }, () => catalogue.tools(1)));
  await wait();
  const beforeMb = liveMb();
  for (let round = 0; round < 3; round++) await wait();
  const grownMb = liveMb() - beforeMb;
  catalogue.close();
  pool.close();
  assert.ok(grownMb < 2, `${grownMb.toFixed(1)} MB`);
});
