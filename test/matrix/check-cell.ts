import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setUp, unseen, type Bench, type Cell } from './cell.ts';
import { LEGACY_CLIENT, MODERN_CLIENT, SSE_CLIENT, type MatrixClient } from './clients/clients.ts';
import type { MatrixServer } from './servers/servers.ts';
import { expectedLost } from './table.ts';

/** Tests of a server with these clients; what came of each is given to `done`. */
export function checkCells(
  server: MatrixServer,
  clients: readonly MatrixClient[],
  done: (cell: Cell) => void = () => undefined,
): void {
  describe(`${server.name}, through the sidecar`, () => {
    let bench: Bench;
    before(async () => void (bench = await setUp(server)));
    after(() => bench?.stop());

    test('is asked what shows that it answers', async () => {
      const of = server.eras.includes('modern') ? MODERN_CLIENT : LEGACY_CLIENT;
      const direct = await bench.direct(server.transport === 'sse' ? SSE_CLIENT : of);
      assert.deepEqual(unseen(server.steps, direct), []);
    });

    for (const client of clients)
      test(`is to ${client.name} what it is directly, but for the losses that are written down`, async () => {
        const cell = await bench.cell(client);
        done(cell);
        assert.deepEqual(
          cell.differences.filter(({ feature }) => !expectedLost(client.name, server.name).includes(feature)),
          [],
          'worse than docs/protocol.md says: a defect, or a loss for test/matrix/losses.ts',
        );
        assert.deepEqual(
          cell.differences.map(({ feature }) => feature),
          expectedLost(client.name, server.name),
          'better than docs/protocol.md says: take it out of test/matrix/losses.ts',
        );
        if (/^\d{4}/.test(cell.version)) assert.equal(cell.version, client.speaks);
      });
  });
}
