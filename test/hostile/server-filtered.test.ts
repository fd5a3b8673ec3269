/** Lists of tools that a server gives without an end, where they must be held to be filtered. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { post } from '../sidecar/wire/post.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { startRawServer, type RawRequest, type RawServer } from './raw-server.ts';

describe('a list of tools without an end', () => {
  let server: RawServer;
  let sidecar: TestSidecar;
  before(async () => {
    server = await startRawServer();
    sidecar = await startSidecar({ upstreamPort: server.port, filter: { denyTools: ['secret'] } });
    await untilHealth(sidecar, 'healthy');
  });
  after(async () => {
    await sidecar.stop();
    await server.stop();
  });

  for (const [kind, head, status] of [
    ['in a body', 'Content-Type: application/json\r\nConnection: close', 502],
    ['in an event', 'Content-Type: text/event-stream\r\nConnection: close', 200],
  ] as const) {
    test(`${kind} is refused with the id of the request, and not read on`, async () => {
      server.requests.length = 0;
      server.scripts.set('tools/list', (request) => pour(request, head));
      const answer = await post(sidecar.url, { jsonrpc: '2.0', id: kind, method: 'tools/list' });
      assert.equal(answer.status, status);
      const { id, error } = JSON.parse(answer.body.replace(/^data: /, ''));
      assert.equal(id, kind);
      assert.match(error.message, /the result is too large to be filtered: over 4194304 bytes/);
      await waitFor('the end at the server', () => server.requests[0]?.socket.destroyed);
    });
  }
});

function pour({ socket }: RawRequest, head: string): void {
  socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\ndata: {"jsonrpc":"2.0","result":{"tools":["`);
  const piece = 'x'.repeat(10_000);
  const fill = (): void => {
    while (!socket.destroyed && !socket.writableNeedDrain) socket.write(piece);
  };
  socket.on('drain', fill);
  fill();
}
