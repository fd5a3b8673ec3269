/** In `npm test`: the TypeScript clients with all their servers of HTTP and some of stdio, and a cell of each other language. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCells } from './check-cell.ts';
import { CLIENTS, LEGACY_CLIENT, MODERN_CLIENT } from './clients/clients.ts';
import { SERVERS } from './servers/servers.ts';
import { documented, expectedLost, table } from './table.ts';

const FOREIGN = new Map([
  ['Python SDK 2.3.0, HTTP+SSE', /^Python SDK 2\.3\.0$/],
  ['Go SDK 1.3.1', /^Go SDK/],
]);

/** The way to them is one; each era of theirs is tried with each of clients. */
const OF_STDIO = ['server-everything, stdio', 'TypeScript SDK 2, stdio, 2026-07-28 alone'];

for (const server of SERVERS) {
  if (server.transport === 'stdio') {
    if (OF_STDIO.includes(server.name)) checkCells(server, [LEGACY_CLIENT, MODERN_CLIENT]);
    continue;
  }
  const others = FOREIGN.get(server.name);
  if (!server.foreign || others)
    checkCells(
      server,
      CLIENTS.filter(({ name, foreign }) => (server.foreign ? others?.test(name) : !foreign)),
    );
}

test('docs/protocol.md has the table of all of them', () => {
  const made = table(expectedLost);
  assert.equal(documented(made), made);
});
