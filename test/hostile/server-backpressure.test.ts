/** Clients that are slower than the server: they hold it back, and the sidecar keeps next to nothing of what waits. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { call, post } from '../sidecar/wire/post.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { startRawServer, type RawRequest, type RawServer } from './raw-server.ts';
import { startSidecarProcess, type SidecarProcess } from './sidecar-process.ts';

const MIB = 1024 * 1024;
const ANSWER_BYTES = 128 * MIB;
const CLIENTS = 50;
/** What the kernel takes of one connection on its two hops, tcp_wmem and tcp_rmem being 4 and 6 MiB each. */
const KERNEL_BYTES = 24 * MIB;
const PIECE = Buffer.alloc(64 * 1024, `data: ${'x'.repeat(1018)}\n\n\n\n`.slice(0, 1024));

const HEADS = {
  'a body': `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${ANSWER_BYTES}\r\n\r\n`,
  'an event stream': 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n',
};

/** Sends as much as is taken. */
function pour({ socket }: RawRequest, head: string): void {
  socket.write(head);
  let left = ANSWER_BYTES;
  const fill = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
    if (left <= 0 && head === HEADS['an event stream']) socket.end();
  };
  socket.on('drain', fill);
  fill();
}

function request(port: number, name: string): Socket {
  const body = JSON.stringify(call(name));
  const client = connect(port, '127.0.0.1').pause();
  client.on('error', () => undefined);
  client.write(
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Accept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  clients.push(client);
  return client;
}

const clients: Socket[] = [];

/** How much the server got rid of, when no more goes. */
async function atRest(sockets: readonly Socket[]): Promise<number> {
  const sent = (): number => sockets.reduce((sum, each) => sum + each.bytesWritten - each.writableLength, 0);
  for (let last = -1; ;) {
    const now = sent();
    if (now === last && now > 0) return now;
    last = now;
    await delay(500);
  }
}

describe('a client that is slower than the server', () => {
  let server: RawServer;
  let sidecar: SidecarProcess;
  let idleMb = 0;
  before(async () => {
    server = await startRawServer();
    sidecar = await startSidecarProcess(server.port);
    idleMb = sidecar.memory().resident;
  });
  beforeEach(() => void (server.requests.length = 0));
  after(async () => {
    for (const client of clients) client.destroy();
    await sidecar.stop();
    await server.stop();
  });

  for (const [kind, head] of Object.entries(HEADS)) {
    test(`holds it back, and gets all of ${kind} in the end`, async () => {
      server.scripts.set('pours', (each) => pour(each, head));
      const client = request(sidecar.port, 'pours');
      const { socket } = await waitFor('the call', () => server.requests[0]);
      const held = await atRest([socket]);
      assert.ok(held < KERNEL_BYTES, `${held} bytes left the server before its client read one`);
      let got = 0;
      let pauses = 0;
      client.on('data', (bytes) => {
        got += bytes.length;
        if (got / (16 * MIB) < pauses + 1) return;
        pauses++;
        client.pause();
        setTimeout(() => client.resume(), 10);
      });
      client.resume();
      await new Promise((resolve) => client.on('close', resolve));
      assert.ok(got >= ANSWER_BYTES, `${got} bytes of ${ANSWER_BYTES}`);
      const { peak } = sidecar.memory();
      assert.ok(peak - idleMb < 48, `${idleMb} MB became ${peak}`);
    });
  }

  for (const [kind, head] of Object.entries(HEADS)) {
    test(`costs little, and ${CLIENTS} of them not much (${kind})`, async () => {
      server.scripts.set('pours', (each) => pour(each, head));
      const slow = Array.from({ length: CLIENTS }, () => request(sidecar.port, 'pours'));
      await waitFor('the calls', () => server.requests.length === slow.length);
      const sockets = server.requests.map((each) => each.socket);
      await atRest(sockets);
      const { peak } = sidecar.memory();
      // Most of it is what the collector has not got to yet: megabytes of each pass before all stand still.
      assert.ok(peak - idleMb < 128, `${idleMb} MB became ${peak}`);
      assert.equal((await post(`http://127.0.0.1:${sidecar.port}/mcp`, call('echo'))).status, 200);
      for (const client of slow) client.destroy();
      await waitFor('the end of the calls', () => sockets.every((each) => each.destroyed));
    });
  }
});
