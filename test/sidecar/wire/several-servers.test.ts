/** Two servers behind one sidecar: what is of the one is nothing at the other. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseConfig } from '../../../sidecar/config.ts';
import { createSidecar, type Sidecar } from '../../../sidecar/sidecar.ts';
import { freePorts } from '../../conformance/ports.ts';
import { call, initialize, post } from './post.ts';
import { startScriptedServer, type ScriptedServer } from './scripted-server.ts';
import { type AuditRecord, DRAIN_PATH, POD } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-several-'));
const NAMES = ['weather', 'news'] as const;
type Name = (typeof NAMES)[number];
const bearer = (name: Name) => ({ authorization: `Bearer token-of-${name}-0123456789` });
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };

describe('two servers of one pod', () => {
  const audit: AuditRecord[] = [];
  const servers = {} as Record<Name, ScriptedServer>;
  const url = {} as Record<Name, string>;
  let admin = '';
  let sidecar: Sidecar;

  before(async () => {
    const [adminPort = 0, ...listenPorts] = await freePorts(3);
    admin = `http://127.0.0.1:${adminPort}`;
    const entries = [];
    for (const [index, name] of NAMES.entries()) {
      const tokens = join(directory, name);
      mkdir(tokens, `token-of-${name}-0123456789`);
      servers[name] = await startScriptedServer();
      url[name] = `http://127.0.0.1:${listenPorts[index]}/mcp`;
      entries.push({
        name: `tools/${name}`,
        listenPort: listenPorts[index],
        upstream: { transport: 'streamable-http', port: servers[name].port, path: '/mcp' },
        auth: { mode: 'token', source: `secret/${name}`, directory: tokens },
        limits: { requestsInFlight: 3, connections: 8 },
      });
    }
    const drain = { path: DRAIN_PATH, endpointGraceMs: 0, timeoutMs: 5_000 };
    const config = parseConfig(JSON.stringify({ version: 1, adminPort, drain, servers: entries }));
    sidecar = await createSidecar(config, {
      pod: { ...POD, ip: '127.0.0.1' },
      audit: {
        write: (line) => void audit.push(JSON.parse(line)),
        dropped: () => 0,
        flush: () => Promise.resolve(),
      },
      log: () => undefined,
    });
    await sidecar.listen();
    await waitFor('health', async () => (await health()).status === 'healthy');
  });
  after(async () => {
    await sidecar?.close(100);
    for (const name of NAMES) await servers[name]?.stop();
    rmSync(directory, { recursive: true });
  });
  const calls = (): number =>
    NAMES.flatMap((name) => servers[name].requests).filter((each) => each.message?.method === 'tools/call')
      .length;
  const health = async () => (await fetch(`${admin}/health`)).json() as Promise<AuditRecord>;

  test('answer callers of their own, and no others', async () => {
    for (const [at, who, status] of [
      ['weather', 'weather', 200],
      ['news', 'news', 200],
      ['weather', 'news', 401],
      ['news', 'weather', 401],
    ] as const)
      assert.equal((await post(url[at], LIST, bearer(who))).status, status, `${who} at ${at}`);
  });

  test('do not know of each other’s sessions', async () => {
    const session = { 'mcp-session-id': await initialize(url.weather, bearer('weather')) };
    assert.equal((await post(url.weather, LIST, { ...bearer('weather'), ...session })).status, 200);
    assert.equal((await post(url.news, LIST, { ...bearer('news'), ...session })).status, 404);
  });

  test('are told apart in audit lines, metrics and health', async () => {
    await post(url.news, call('echo'), bearer('news'));
    await waitFor('an audit line', () => audit.some((each) => each.type === 'mcp_tool_call'));
    assert.deepEqual([...new Set(audit.map((each) => each.component))].toSorted(), [
      'tools/news',
      'tools/weather',
    ]);
    const text = await (await fetch(`${admin}/metrics`)).text();
    for (const name of NAMES)
      assert.match(text, new RegExp(`server_connected\\{server="tools/${name}"\\} 1`));
    const { servers: told, backends_configured: count } = await health();
    assert.equal(count, 2);
    assert.deepEqual(
      told.map((each: { name: string }) => each.name),
      ['tools/weather', 'tools/news'],
    );
  });

  test('have the limits of the pod together', async () => {
    for (const name of NAMES) servers[name].answers.set('tools/call', () => undefined);
    const stop = new AbortController();
    const started = (name: Name) =>
      fetch(url[name], {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...bearer(name) },
        body: JSON.stringify(call('echo')),
        signal: stop.signal,
      }).catch(() => undefined);
    const seen = calls();
    const waiting = (['weather', 'weather', 'news'] as const).map(started);
    await waitFor('three calls', () => calls() === seen + 3);
    assert.equal((await post(url.news, LIST, bearer('news'))).status, 503);
    stop.abort();
    await Promise.all(waiting);
    await waitFor('room', async () => (await post(url.news, LIST, bearer('news'))).status === 200);
  });

  test('and one of them may be away', async () => {
    await servers.news.stop();
    await post(url.news, LIST, bearer('news'));
    await waitFor('degraded', async () => (await health()).status === 'degraded');
    const { servers: told } = await health();
    assert.deepEqual(
      told.map((each: { connected: boolean }) => each.connected),
      [true, false],
    );
    assert.equal((await post(url.weather, LIST, bearer('weather'))).status, 200);
    const status = (at: Name) => fetch(url[at].replace('/mcp', '/health')).then((each) => each.json());
    assert.deepEqual(
      [await status('weather'), await status('news')],
      [{ status: 'healthy' }, { status: 'degraded' }],
    );
  });
});

function mkdir(path: string, token: string): void {
  mkdirSync(path);
  writeFileSync(join(path, 'caller'), token);
}
