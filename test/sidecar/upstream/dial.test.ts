import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { dial } from '../../../sidecar/upstream/dial.ts';
import { freePorts } from '../../conformance/ports.ts';

type Outcome = Parameters<Parameters<typeof dial<{ socket: Socket }>>[2]>[0];

/** Addresses are ports of the loopback here; `hangs` is one that says nothing at all. */
function dialled(
  hosts: string[],
  timeoutMs?: number,
): { outcome: Promise<Outcome>; sockets: Socket[]; cancel(): void } {
  const sockets: Socket[] = [];
  const open = (host: string) => {
    const socket = host === 'hangs' ? new Socket() : connect(Number(host), '127.0.0.1');
    sockets.push(socket);
    return { socket };
  };
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  return { cancel: dial(hosts, open, resolve, timeoutMs), outcome: promise, sockets };
}

async function listening() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: String((server.address() as AddressInfo).port), close: () => server.close() };
}

describe('dialling', () => {
  test('takes the first address that takes it, past those that refuse or say nothing', async () => {
    const { port, close } = await listening();
    const [closed] = (await freePorts(1)) as [number];
    const { outcome, sockets } = dialled(['hangs', String(closed), port], 300);
    const got = await outcome;
    assert.ok('opened' in got);
    assert.equal(got.host, port);
    assert.deepEqual(
      sockets.map((each) => each.destroyed),
      [true, true, false],
    );
    got.opened.socket.destroy();
    close();
  });

  test('ends within its limit, however many say nothing, and tells what each did', async () => {
    const [closed] = (await freePorts(1)) as [number];
    const startedMs = performance.now();
    const got = await dialled(['hangs', 'hangs', String(closed), 'hangs'], 300).outcome;
    assert.ok(performance.now() - startedMs > 250);
    assert.deepEqual(got, {
      error: `no connection (hangs: no answer, hangs: no answer, ${closed}: ECONNREFUSED, hangs: no answer)`,
    });
  });

  test('says that nothing listens where all refuse', async () => {
    const [closed] = (await freePorts(1)) as [number];
    assert.deepEqual(await dialled([String(closed), String(closed)]).outcome, { error: 'nothing listens' });
  });

  test('that is cancelled leaves no socket and tells nothing', async () => {
    const { outcome, sockets, cancel } = dialled(['hangs', 'hangs'], 100);
    cancel();
    assert.deepEqual(
      sockets.map((each) => each.destroyed),
      [true],
    );
    const late = new Promise((resolve) => setTimeout(resolve, 200, 'nothing'));
    assert.equal(await Promise.race([outcome, late]), 'nothing');
  });
});
