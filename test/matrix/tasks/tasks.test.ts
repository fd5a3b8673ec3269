/** In `npm run test:full`: clients and servers that have tasks, through the sidecar, and the table in the page. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startSidecar, untilHealth, type TestSidecar } from '../../sidecar/wire/start-sidecar.ts';
import { TASK_CLIENTS, type TasksClient } from './clients.ts';
import { TASK_SERVERS, type TasksServer } from './servers.ts';

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'protocol.md');
const BEGIN = '<!-- Made by test/matrix/tasks; UPDATE_GOLDEN=1 writes it anew. -->\n';
const END = '<!-- The end of what test/matrix/tasks has made. -->';

/** What was seen of each cell, by its names. */
const verdicts = new Map<string, string>();
const cell = (client: TasksClient, server: TasksServer): string => JSON.stringify([client.name, server.name]);

/** A server of both eras is passed through, with what it has in that of the client. */
const hasTasks = (client: TasksClient, server: TasksServer): boolean =>
  !(server.noTasksInSessions && client.speaks < '2026');
const isTranslated = (client: TasksClient, server: TasksServer): boolean =>
  client.speaks > '2026' !== (server.era === 'modern');

const verdict = (client: TasksClient, server: TasksServer): string =>
  hasTasks(client, server) ? (verdicts.get(cell(client, server)) ?? 'fails') : 'none, as directly';

for (const server of TASK_SERVERS)
  describe(`${server.name}, through the sidecar`, () => {
    let stop: () => Promise<unknown>;
    let sidecar: TestSidecar;
    before(async () => {
      const running = await server.start();
      ({ stop } = running);
      sidecar = await startSidecar({
        upstreamPort: running.port,
        upstreamPath: server.transport === 'sse' ? '/sse' : '/mcp',
        upstream: { transport: server.transport },
        filter: { denyTools: ['no-such-tool'] },
      });
      await untilHealth(sidecar, 'healthy');
    });
    after(async () => {
      await sidecar?.stop();
      await stop?.();
    });

    for (const client of TASK_CLIENTS.filter((each) => hasTasks(each, server)))
      for (const call of server.calls)
        test(`makes a task of ${call.name} for ${client.name}, asks within it and gives the result`, async () => {
          const seen = await client.run(`http://127.0.0.1:${sidecar.listenPort}${client.path}`, call);
          assert.equal(seen.task, true);
          assert.match(seen.text, call.says);
          assert.equal(seen.asked.length, call.asks.length, seen.asked.join());
          call.asks.forEach((expected, at) => assert.match(seen.asked[at]!, expected));
          verdicts.set(cell(client, server), isTranslated(client, server) ? 'works, translated' : 'works');
        });
  });

test('docs/protocol.md says what came of it', () => {
  const lines = [
    ['Server', ...TASK_CLIENTS.map(({ name }) => name)],
    ['the client speaks', ...TASK_CLIENTS.map(({ speaks }) => speaks)],
    ...TASK_SERVERS.map((server) => [server.name, ...TASK_CLIENTS.map((client) => verdict(client, server))]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const written = lines.map((line) => `| ${line.map((each, at) => each.padEnd(widths[at]!)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const made = `\n${[written[0], rule, ...written.slice(1)].join('\n')}\n\n`;
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
  assert.ok(page.includes(BEGIN) && to > from, 'the page has a section for it');
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PAGE, page.slice(0, from) + made + page.slice(to));
  else assert.equal(page.slice(from, to), made);
});
