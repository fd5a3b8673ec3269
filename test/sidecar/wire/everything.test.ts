import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from './everything-server.ts';
import { call, HEADERS, initialize, post } from './post.ts';
import { connectV1, connectV2 } from './sdk-clients.ts';
import { startSidecar, untilAudit, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

let port: number;
let server: RunningServer;
let sidecar: TestSidecar;

before(async () => {
  [port] = (await freePorts(1)) as [number];
  server = await startEverythingServer(port);
  sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['get-env', 'gzip-*'] } });
  await untilHealth(sidecar, 'healthy');
});
after(async () => {
  await sidecar?.stop();
  await server?.kill();
});

describe('the unmodified server-everything', () => {
  for (const [name, connect, era] of [
    ['v1 of the SDK', connectV1, 'legacy'],
    ['v2 of the SDK', connectV2, 'modern'],
  ] as const) {
    test(`serves a client of ${name}`, async () => {
      const client = await connect(sidecar.url);
      try {
        assert.equal(client.era, era);
        const tools = await client.listTools();
        assert.ok(tools.includes('echo') && tools.includes('get-sum'));
        assert.deepEqual(
          tools.filter((each) => /^(get-env|gzip)/.test(each)),
          [],
        );
        assert.equal(await client.callTool('echo', { message: 'hé' }), 'Echo: hé');
        await assert.rejects(client.callTool('get-env', {}), /Unknown tool: get-env/);
      } finally {
        await client.close();
      }
    });

    test(`reports progress to a client of ${name} before the result`, async () => {
      const client = await connect(sidecar.url);
      try {
        const seen: (number | string)[] = [];
        const result = await client.callTool(
          'trigger-long-running-operation',
          { duration: 0.3, steps: 3 },
          (done) => seen.push(done),
        );
        seen.push('result');
        assert.match(result, /completed/);
        assert.deepEqual(seen, [1, 2, 3, 'result']);
      } finally {
        await client.close();
      }
    });

    // The modern era has none.
    test(
      `ends the session of a client of ${name} when it asks for it`,
      { skip: era === 'modern' },
      async () => {
        const client = await connect(sidecar.url);
        const id = client.sessionId();
        assert.ok(id);
        const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
        assert.equal((await post(sidecar.url, list, { 'mcp-session-id': id })).status, 200);
        await client.terminate();
        await client.close();
        const late = await post(sidecar.url, list, { 'mcp-session-id': id });
        assert.ok(late.status === 404 || late.status === 400, String(late.status));
      },
    );
  }

  test('never shows its own session id', async () => {
    const id = await initialize(sidecar.url);
    assert.doesNotMatch(id, /^[0-9a-f]{8}-/);
    const record = await untilAudit(sidecar, (each) => each.target.method === 'initialize');
    assert.ok(!JSON.stringify(record).includes(id), 'the audit line holds the session id');
  });

  test('gives a denied tool and an unknown one the same bytes', async () => {
    const id = await initialize(sidecar.url);
    const sessions: Record<string, string>[] = [
      { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' },
      {},
    ];
    for (const headers of sessions) {
      const answers = [];
      for (const name of ['get-env', 'gzip-file-as-resource', 'no-such-tool']) {
        const { status, headers: given, body } = await post(sidecar.url, call(name), headers);
        answers.push({
          status,
          type: given.get('content-type'),
          session: given.get('mcp-session-id'),
          body: body.replace(name, 'NAME'),
        });
      }
      assert.equal(
        answers[0]?.body,
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: NAME"}}',
      );
      assert.deepEqual(answers[1], answers[0]);
      assert.deepEqual(answers[2], answers[0]);
    }
  });

  test('cannot be brought to replay an unfiltered list through GET', async () => {
    const id = await initialize(sidecar.url);
    const headers = { 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' };
    await post(sidecar.url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
    const first = await post(sidecar.url, call('echo', 1, { message: 'x' }), headers);
    const eventId = /^id: (.*)$/m.exec(first.body)?.[1];
    assert.ok(eventId, first.body);
    // The result that is asked for comes on the stream of the POST, and is kept by the server for replay.
    await post(sidecar.url, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, headers);
    const abort = new AbortController();
    const replay = await fetch(sidecar.url, {
      headers: { ...headers, accept: HEADERS.accept, 'last-event-id': eventId },
      signal: abort.signal,
    });
    assert.equal(replay.status, 200);
    let text = '';
    const reading = (async () => {
      for await (const part of replay.body ?? []) text += Buffer.from(part).toString();
    })().catch(() => undefined);
    await waitFor('the replayed list', () => text.includes('"id":2') && text.endsWith('\n\n'));
    assert.match(text, /"name":"echo"/);
    assert.doesNotMatch(text, /get-env|gzip-file/);
    abort.abort();
    await reading;
  });

  test('may die and come back: 503 that names it, degraded, and healthy again', async () => {
    const id = await initialize(sidecar.url);
    await server.kill();
    const degraded = await untilHealth(sidecar, 'degraded');
    assert.equal(degraded.backends_connected, 0);
    assert.equal(degraded.servers[0].connected, false);
    assert.match(degraded.servers[0].error, /nothing listens on port/);
    const { status, body } = await post(sidecar.url, call('echo', 'dead', { message: 'x' }), {
      'mcp-session-id': id,
    });
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body), {
      jsonrpc: '2.0',
      id: 'dead',
      error: {
        code: -32603,
        message: `the server does not accept connections: server tested, port ${port}: nothing listens on port ${port}`,
      },
    });
    for (const [path, text] of [
      ['/health', '{"status":"degraded"}\n'],
      ['/ready', '{"status":"ready"}\n'],
    ] as const) {
      const answer = await fetch(new URL(path, sidecar.url));
      assert.deepEqual([answer.status, await answer.text()], [200, text]);
    }
    assert.equal(
      (await fetch(`${sidecar.adminUrl}/readyz`)).status,
      200,
      'readiness follows the sidecar alone',
    );
    server = await startEverythingServer(port);
    const healthy = await untilHealth(sidecar, 'healthy');
    assert.equal(healthy.servers[0].error, undefined);
    const client = await connectV1(sidecar.url);
    assert.equal(await client.callTool('echo', { message: 'back' }), 'Echo: back');
    await client.close();
    const changes = sidecar.events.map(({ event }) => event).filter((event) => event.startsWith('server_'));
    assert.deepEqual([changes[0], changes.at(-1)], ['server_connected', 'server_connected']);
    assert.ok(changes.includes('server_degraded'));
  });
});
