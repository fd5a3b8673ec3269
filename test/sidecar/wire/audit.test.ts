import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertGolden } from '../../webhook/golden.ts';
import { readPrometheusText } from '../prometheus-text.ts';
import { call, initialize, post } from './post.ts';
import {
  sendJson,
  sendResult,
  startScriptedServer,
  startStream,
  type Recorded,
  type ScriptedServer,
} from './scripted-server.ts';
import { startSidecar, untilHealth, type AuditRecord, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const TOKEN = 'token-of-alice-that-must-not-be-logged';
const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-audit-'));
const headers = { authorization: `Bearer ${TOKEN}`, 'user-agent': 'test-agent/1' };
let server: ScriptedServer;
let sidecar: TestSidecar;

before(async () => {
  writeFileSync(join(directory, 'alice'), TOKEN);
  server = await startScriptedServer();
  sidecar = await startSidecar({
    upstreamPort: server.port,
    auth: { mode: 'token', source: 'secret/mcp-tokens', directory },
    filter: { denyTools: ['secret'] },
  });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar?.stop();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

const errorOf = ({ message }: Recorded) => ({
  jsonrpc: '2.0',
  id: message?.id,
  error: { code: -32050, message: 'no "such" file' },
});
const UNLIMITED = '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","Name":"secret"}}';

/** What happened, in the order of the golden file: name, how the server answers, and the request. */
const EXCHANGES: readonly (readonly [
  string,
  (() => void) | undefined,
  (session: string) => Promise<unknown>,
])[] = [
  [
    'success',
    undefined,
    (session) =>
      post(sidecar.url, call('echo', 1, { secret: 'argument' }), { ...headers, 'mcp-session-id': session }),
  ],
  [
    'denied',
    undefined,
    (session) => post(sidecar.url, call('secret', 'two'), { ...headers, 'mcp-session-id': session }),
  ],
  [
    'unknown tool',
    undefined,
    (session) => post(sidecar.url, call('missing', 3), { ...headers, 'mcp-session-id': session }),
  ],
  [
    'application error inside a JSON answer',
    () => server.answers.set('tools/call', (request, response) => sendJson(response, errorOf(request))),
    () => post(sidecar.url, call('echo', 4), headers),
  ],
  [
    'application error inside an event stream',
    () =>
      server.answers.set('tools/call', (request, response) => {
        const send = startStream(response);
        send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
        send(errorOf(request));
        response.end();
      }),
    () => post(sidecar.url, call('echo', 5), headers),
  ],
  [
    'isError of a tool',
    () =>
      server.answers.set('tools/call', (request, response) =>
        sendResult(request, response, { content: [{ type: 'text', text: 'failed' }], isError: true }),
      ),
    () => post(sidecar.url, call('echo', 6), headers),
  ],
  [
    'isError of a tool inside an event stream',
    () =>
      server.answers.set('tools/call', ({ message }, response) => {
        startStream(response)({ jsonrpc: '2.0', id: message?.id, result: { content: [], isError: true } });
        response.end();
      }),
    () => post(sidecar.url, call('echo', 7), headers),
  ],
  [
    'success that tells of errors in words alone',
    () =>
      server.answers.set('tools/call', (request, response) =>
        sendResult(request, response, {
          content: [{ type: 'text', text: '{"error":{"code":1},"isError":true}' }],
          isError: false,
        }),
      ),
    () => post(sidecar.url, call('echo', 8), headers),
  ],
  ['no credentials', undefined, () => post(sidecar.url, call('echo', 9), { 'user-agent': 'test-agent/1' })],
  [
    'wrong credentials',
    undefined,
    () => post(sidecar.url, call('echo', 10), { ...headers, authorization: 'Bearer wrong-token' }),
  ],
  [
    'a session of nobody',
    undefined,
    () => post(sidecar.url, call('echo', 11), { ...headers, 'mcp-session-id': 'forged' }),
  ],
  ['more than one reading', undefined, () => post(sidecar.url, UNLIMITED, headers)],
  [
    'a resource',
    () =>
      server.answers.set('resources/read', (request, response) =>
        sendResult(request, response, { contents: [] }),
      ),
    () =>
      post(
        sidecar.url,
        { jsonrpc: '2.0', id: 12, method: 'resources/read', params: { uri: 'file:///a\n' } },
        headers,
      ),
  ],
  [
    'a notification',
    undefined,
    () => post(sidecar.url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers),
  ],
  ['a GET that the server refuses', undefined, () => fetch(sidecar.url, { headers })],
];

describe('the audit line', () => {
  test('tells of every exchange who, what and how it went', async () => {
    const session = await initialize(sidecar.url, headers);
    await waitFor('the first record', () => sidecar.audit.length);
    const shown: string[] = [`# initialize\n${show(sidecar.audit[0])}`];
    for (const [name, prepare, send] of EXCHANGES) {
      server.answers.delete('tools/call');
      prepare?.();
      const count = sidecar.audit.length;
      await send(session);
      await waitFor(name, () => sidecar.audit.length > count);
      assert.equal(sidecar.audit.length, count + 1, name);
      shown.push(`# ${name}\n${show(sidecar.audit[count])}`);
    }
    assertGolden(new URL('../golden/audit.txt', import.meta.url), `${shown.join('\n\n')}\n`);
    const all = JSON.stringify(sidecar.audit);
    for (const secret of [TOKEN, 'wrong-token', session, 'upstream-session', 'argument'])
      assert.ok(!all.includes(secret), `the audit log tells ${secret}`);
  });

  test('says what the metrics say', async () => {
    const text = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    const samples = readPrometheusText(text);
    const counts = Map.groupBy(
      samples.filter(
        ({ name, labels }) => name === 'kubectl_mcp_requests_total' && labels['method'] === 'tools/call',
      ),
      ({ labels }) => labels['outcome'],
    );
    const total = (outcome: string) => counts.get(outcome)?.[0]?.value;
    const recorded = (outcome: string) =>
      sidecar.audit.filter((each) => each.target.method === 'tools/call' && each.outcome === outcome).length;
    for (const outcome of ['success', 'denied', 'application_error'])
      assert.equal(total(outcome), recorded(outcome), outcome);
    const value = (name: string) => samples.find((each) => each.name === name)?.value;
    assert.equal(value('kubectl_mcp_server_connected'), 1);
    assert.equal(value('kubectl_mcp_server_tools'), 2);
    assert.equal(value('kubectl_mcp_audit_dropped_total'), 0);
  });

  test('stays under what container runtimes split, whatever the client sends', async () => {
    const count = sidecar.audit.length;
    const long = 'é"\n'.repeat(5_000);
    await post(
      sidecar.url,
      {
        ...call(long, long),
        params: {
          name: long,
          _meta: { 'io.modelcontextprotocol/clientInfo': { name: long, version: long } },
        },
      },
      { ...headers, 'user-agent': 'x'.repeat(10_000) },
    );
    await waitFor('the record', () => sidecar.audit.length > count);
    assert.ok(JSON.stringify(sidecar.audit[count]).length < 16_000);
  });
});

/** With what differs from run to run replaced, and checked for its form. */
function show(record: AuditRecord): string {
  const { time, logged_at: loggedAt, audit_id: id, source, metadata, subjects } = record;
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(loggedAt, time);
  assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(typeof metadata.extra.duration_ms, 'number');
  Object.assign(record, { time: 'TIME', logged_at: 'TIME', audit_id: 'UUID' });
  metadata.extra.duration_ms = 0;
  subjects.user_id = subjects.user_id.replace(/^[\w-]{43}$/, 'DIGEST');
  if (source.extra.session_id) source.extra.session_id = 'DIGEST';
  return JSON.stringify(record, undefined, 2);
}
