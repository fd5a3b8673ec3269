import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { call, HEADERS, post } from './wire/post.ts';
import { sendResult, startScriptedServer, startStream, type Answer } from './wire/scripted-server.ts';
import { startSidecar, type SidecarOptions } from './wire/start-sidecar.ts';
import { waitFor } from './wire/wait-for.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(
  options: Omit<SidecarOptions, 'upstreamPort'> = {},
  era: 'legacy' | 'modern' = 'legacy',
) {
  const server = await startScriptedServer(0, era);
  stops.push(server.stop);
  const sidecar = await startSidecar({ upstreamPort: server.port, ...options });
  stops.push(sidecar.stop);
  const drain = async (): Promise<{ callsLeft: number }> =>
    (await fetch(sidecar.adminUrl + sidecar.drainPath)).json() as Promise<{ callsLeft: number }>;
  return { server, sidecar, drain };
}

/** Answers when the test says so. */
function held(): { answer: Answer; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    answer: (request, response) => void promise.then(() => sendResult(request, response, { content: [] })),
    release: resolve,
  };
}

const LISTEN_HEADERS = {
  ...HEADERS,
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'subscriptions/listen',
};
const LISTEN = {
  jsonrpc: '2.0',
  id: 'listen-1',
  method: 'subscriptions/listen',
  params: {
    notifications: { toolsListChanged: true },
    _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
  },
};

describe('the drain', () => {
  test('returns when the calls under way are answered, and lets them end', async () => {
    const { server, sidecar, drain } = await start();
    const { answer, release } = held();
    server.answers.set('tools/call', answer);
    const running = post(sidecar.url, call('echo'));
    await waitFor('the call', () => server.fromClients().length);
    let drained = false;
    const first = drain().then((result) => ((drained = true), result));
    await waitFor('draining', async () => (await fetch(`${sidecar.adminUrl}/readyz`)).status === 503);
    assert.equal((await fetch(`${sidecar.adminUrl}/livez`)).status, 200);
    // New calls are still taken, but ask their client to go elsewhere next time.
    const late = await post(sidecar.url, { jsonrpc: '2.0', id: 2, method: 'ping' });
    assert.equal(late.status, 200);
    assert.equal(late.headers.get('connection'), 'close');
    assert.ok(!drained);
    const again = drain();
    release();
    assert.deepEqual([await first, await again], [{ callsLeft: 0 }, { callsLeft: 0 }]);
    const { status, headers } = await running;
    assert.equal(status, 200);
    assert.equal(headers.get('connection'), 'close');
  });

  test('returns at its limit, and says how many calls are left', async () => {
    const { server, sidecar, drain } = await start({ drain: { timeoutMs: 50, endpointGraceMs: 60_000 } });
    const { answer, release } = held();
    server.answers.set('tools/call', answer);
    const running = post(sidecar.url, call('echo'));
    await waitFor('the call', () => server.fromClients().length);
    assert.deepEqual(await drain(), { callsLeft: 1 });
    release();
    assert.equal((await running).status, 200);
  });

  test('ends listen streams with their result and GET streams, at the server too', async () => {
    const { server, sidecar, drain } = await start({}, 'modern');
    server.answers.set('subscriptions/listen', (_, response) => void startStream(response));
    server.answers.set('GET', (_, response) => void startStream(response));
    const listening = await fetch(sidecar.url, {
      method: 'POST',
      headers: LISTEN_HEADERS,
      body: JSON.stringify(LISTEN),
    });
    const getting = await fetch(sidecar.url, { headers: { accept: 'text/event-stream', 'x-test': '1' } });
    assert.equal(getting.status, 200);
    assert.deepEqual(await drain(), { callsLeft: 0 });
    assert.deepEqual(JSON.parse((await listening.text()).replace(/^data: /, '')), {
      jsonrpc: '2.0',
      id: 'listen-1',
      result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen-1' } },
    });
    assert.equal(await getting.text(), '');
    const streams = server
      .fromClients()
      .filter((each) => each.method === 'GET' || each.message?.method === LISTEN.method);
    await waitFor('the end of the streams at the server', () => streams.every((each) => each.cut));
  });

  test('of a stream whose server goes on sending to a client that does not read, ends nothing else', async () => {
    const { server, sidecar, drain } = await start();
    let send: ((message: unknown) => void) | undefined;
    server.answers.set('GET', (_, response) => (send = startStream(response)));
    const client = connect(sidecar.listenPort, '127.0.0.1');
    stops.push(async () => void client.destroy());
    client.on('error', () => undefined).pause();
    client.write('GET /mcp HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
    await waitFor('the stream', () => send);
    const filler = { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'x'.repeat(100_000) } };
    for (let each = 0; each < 100; each++) send?.(filler);
    await drain();
    for (let each = 0; each < 100; each++) send?.(filler);
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });

  test('is not started by another path, nor by another method', async () => {
    const { sidecar } = await start();
    for (const path of ['/drain', '/drain/', '/drain/abcdefghijklmnoq', `${sidecar.drainPath}/`])
      assert.equal((await fetch(sidecar.adminUrl + path)).status, 404, path);
    assert.equal((await fetch(sidecar.adminUrl + sidecar.drainPath, { method: 'POST' })).status, 405);
    assert.equal((await fetch(new URL(sidecar.drainPath, sidecar.url))).status, 404, 'on the listen port');
    assert.equal((await fetch(`${sidecar.adminUrl}/readyz`)).status, 200);
  });

  test('leaves no connection idle', async () => {
    const { sidecar, drain } = await start();
    const client = connect(sidecar.listenPort, '127.0.0.1');
    client.write('GET /ready HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(client, 'data');
    client.resume();
    await Promise.all([drain(), once(client, 'end')]);
    client.destroy();
  });
});
