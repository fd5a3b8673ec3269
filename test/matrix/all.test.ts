/** In `npm run test:full`: every client with every server, and the table in the page made of what ran. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cell } from './cell.ts';
import { checkCells } from './check-cell.ts';
import { CLIENTS } from './clients/clients.ts';
import { SERVERS } from './servers/servers.ts';
import { documented, lostIn, table } from './table.ts';

const cells: Cell[] = [];
for (const server of SERVERS) checkCells(server, CLIENTS, (cell) => void cells.push(cell));

test('docs/protocol.md says what came of it', () => {
  assert.equal(cells.length, CLIENTS.length * SERVERS.length);
  const made = table(lostIn(cells));
  assert.equal(documented(made), made);
});
