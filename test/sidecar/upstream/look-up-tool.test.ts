import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Exchange } from '../../../sidecar/exchange.ts';
import type { LookUpTool } from '../../../sidecar/filter/authorization.ts';
import { createHttpPool, type HttpPool } from '../../../sidecar/upstream/http-pool.ts';
import { lookUpTool } from '../../../sidecar/upstream/look-up-tool.ts';
import { startScriptedServer, tool, type ScriptedServer } from '../wire/scripted-server.ts';

let server: ScriptedServer;
let pool: HttpPool;
let nowMs = 0;
let lookUp: LookUpTool;

before(async () => {
  server = await startScriptedServer();
  pool = createHttpPool({ addresses: ['127.0.0.1'], port: server.port, path: '/mcp' });
});
beforeEach(() => {
  server.requests.length = 0;
  server.tools = [tool('own')];
  server.answersToSidecar.clear();
  nowMs = 0;
  lookUp = lookUpTool(pool, undefined, () => nowMs);
});
after(async () => {
  pool.close();
  await server.stop();
});

const by = (session: string) =>
  ({
    message: { era: 'legacy', document: { meta: new Map() } },
    head: { headers: {} },
    server: { upstream: {} },
    principal: { digest: 'alice' },
    session: { sealed: session, upstreamId: session, version: '2025-11-25' },
  }) as unknown as Exchange;
const lists = (): number => server.requests.length;

test('a thousand unknown names of one session are one list of the server', async () => {
  const found = await Promise.all(Array.from({ length: 1_000 }, (_, index) => lookUp(by('s1'), `x${index}`)));
  assert.deepEqual([...new Set(found)], [undefined]);
  assert.equal(lists(), 1);
  assert.equal(server.requests[0]?.headers['mcp-session-id'], 's1');
});

test('another session has a list of its own', async () => {
  await lookUp(by('s1'), 'own');
  await lookUp(by('s2'), 'own');
  assert.equal(lists(), 2);
});

test('a tool that came later is found two seconds later', async () => {
  assert.equal(await lookUp(by('s1'), 'late'), undefined);
  server.tools = [tool('own'), tool('late')];
  nowMs = 1_999;
  assert.equal(await lookUp(by('s1'), 'late'), undefined);
  nowMs = 2_000;
  assert.equal((await lookUp(by('s1'), 'late'))?.name, 'late');
  assert.equal(lists(), 2);
});

test('a tool that was in the list is not looked up again for half a minute', async () => {
  await lookUp(by('s1'), 'own');
  nowMs = 29_999;
  assert.equal((await lookUp(by('s1'), 'own'))?.name, 'own');
  assert.equal(lists(), 1);
  nowMs = 30_000;
  await lookUp(by('s1'), 'own');
  assert.equal(lists(), 2);
});

test('a server that fails is not asked more often', async () => {
  server.answersToSidecar.set('tools/list', (_, response) => void response.writeHead(500).end());
  for (let index = 0; index < 20; index++) await assert.rejects(lookUp(by('s1'), `x${index}`), /status 500/);
  assert.equal(lists(), 1);
  server.answersToSidecar.clear();
  nowMs = 2_000;
  assert.equal((await lookUp(by('s1'), 'own'))?.name, 'own');
});

test('many sessions leave few lists behind', async () => {
  for (let index = 0; index < 100; index++) await lookUp(by(`s${index}`), 'own');
  await lookUp(by('s0'), 'own');
  assert.equal(lists(), 101, 'the first one is forgotten');
  await lookUp(by('s99'), 'own');
  assert.equal(lists(), 101, 'the last one is not');
});
