/** Who goes, who waits, and who is told: clients that leave, servers that fall silent, streams that only listen. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { freePorts } from '../conformance/ports.ts';
import { call, HEADERS, initialize, INITIALIZE, post } from '../sidecar/wire/post.ts';
import { startSidecar, untilAudit, untilHealth, type SidecarOptions } from '../sidecar/wire/start-sidecar.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { event, PROGRESS, result, startRawServer, stream, type RawRequest } from './raw-server.ts';

const stops: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const LIMIT_MS = 1_000;

async function start(options: Partial<SidecarOptions> = {}, era: 'legacy' | 'modern' = 'legacy') {
  const server = await startRawServer(0, era);
  stops.push(server.stop);
  const sidecar = await startSidecar({
    upstreamPort: server.port,
    upstream: { requestTimeoutMs: LIMIT_MS },
    ...options,
  });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return { server, sidecar };
}

/** A call whose client can leave. */
function leaving(url: string, message: unknown = call('held')) {
  const abort = new AbortController();
  const given = fetch(url, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify(message),
    signal: abort.signal,
  });
  given.catch(() => undefined);
  return { given, leave: () => abort.abort() };
}

const modern = (name: string, id: unknown = 1) => ({
  ...call(name, id),
  params: {
    ...call(name, id).params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const modernHeaders = (method: string, name?: string) => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name ? { 'mcp-name': name } : {}),
});

describe('a client that goes', { concurrency: true }, () => {
  test('while its call waits for a server that starts, leaves nothing to be sent', async () => {
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await startSidecar({ upstreamPort: port });
    stops.push(sidecar.stop);
    const { leave } = leaving(sidecar.url);
    await waitFor('the call', async () => (await metrics(sidecar.adminUrl)).includes('calls_in_flight 1'));
    leave();
    await untilAudit(sidecar, (each) => each.target.name === 'held');
    const server = await startRawServer(port);
    stops.push(server.stop);
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
    assert.deepEqual(
      server.requests.map((each) => each.message?.params?.name),
      ['echo'],
    );
  });

  for (const [when, script] of [
    ['while it waits', () => undefined],
    ['in mid-stream', (request: RawRequest) => stream(request)(PROGRESS)],
    ['in the middle of a body', ({ socket }: RawRequest) => void socket.write(HALF_BODY)],
    ['in a stream without an end that it does not read', endless],
  ] as const) {
    test(`${when} is gone at the server at once, whose late answer is for nobody`, async () => {
      const { server, sidecar } = await start({ upstream: {} });
      server.scripts.set('held', script);
      const { leave } = leaving(sidecar.url);
      const request = await waitFor('the call', () => server.requests[0]);
      leave();
      await waitFor('the end of the call', () => request.socket.destroyed);
      result(request, { content: [] });
      assert.equal((await post(sidecar.url, call('echo', 2, { marker: 'm' }))).status, 200);
    });
  }

  test('while it seems to stay, and reads nothing for as long as a server may be silent, is cut off', async () => {
    const { server, sidecar } = await start();
    server.scripts.set('held', endless);
    const { given } = leaving(sidecar.url);
    await given;
    const { socket } = await waitFor('the call', () => server.requests[0]);
    await waitFor('the end of the call', () => socket.destroyed);
    const { outcome, metadata } = await untilAudit(sidecar, (each) => each.target.name === 'held');
    assert.equal(outcome, 'failure');
    assert.match(metadata.extra.jsonrpc_error_message, /the client took nothing for 1 s/);
  });

  test('in the era of sessions may say so, and the server hears it', async () => {
    const { server, sidecar } = await start();
    const session = await initialize(sidecar.url);
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } };
    assert.equal((await post(sidecar.url, cancelled, { 'mcp-session-id': session })).status, 202);
    assert.match(server.requests.at(-1)?.body ?? '', /"requestId":7/);
  });
});

describe('a server that does not answer in time', { concurrency: true }, () => {
  test('is told on the caller’s session which call was given up, and why', async () => {
    const { server, sidecar } = await start();
    server.scripts.set('held', () => undefined);
    // That it does not answer this either is of no matter.
    server.scripts.set('notifications/cancelled', () => undefined);
    const session = await initialize(sidecar.url);
    const { status, body } = await post(sidecar.url, call('held', 'é1'), { 'mcp-session-id': session });
    assert.equal(status, 504);
    assert.match(body, /^{"jsonrpc":"2.0","id":"é1","error":{"code":-32603,/);
    const told = await waitFor('the notification', () =>
      server.requests.find((each) => each.message?.method === 'notifications/cancelled'),
    );
    assert.match(told.head, /^mcp-session-id: session-of-a-client$/im);
    assert.deepEqual(JSON.parse(Buffer.from(told.body, 'latin1').toString('utf8')).params, {
      requestId: 'é1',
      reason: 'no answer within the proxy’s time limit',
    });
    const held = server.requests.find((each) => each.message?.params?.name === 'held');
    await waitFor('the end of the call', () => held?.socket.destroyed);
    const { metadata, outcome } = await untilAudit(sidecar, (each) => each.target.name === 'held');
    assert.equal(outcome, 'error');
    assert.equal(metadata.extra.http_status, 504);
    assert.match(metadata.extra.jsonrpc_error_message, /no byte came for 1 s/);
  });

  test('sees its modern caller go, and nothing else', async () => {
    const { server, sidecar } = await start({}, 'modern');
    server.scripts.set('held', () => undefined);
    const { status } = await post(sidecar.url, modern('held'), modernHeaders('tools/call', 'held'));
    assert.equal(status, 504);
    const [held] = server.requests;
    await waitFor('the end of the call', () => held?.socket.destroyed);
    assert.equal(server.requests.length, 1);
  });

  test('is told nothing without a session, nor of initialize, which must not be cancelled', async () => {
    const { server, sidecar } = await start();
    for (const key of ['held', 'initialize']) server.scripts.set(key, () => undefined);
    const given = [post(sidecar.url, call('held')), post(sidecar.url, INITIALIZE)];
    for (const each of given) assert.equal((await each).status, 504);
    await waitFor('the end of the calls', () => server.requests.every((each) => each.socket.destroyed));
    assert.equal(server.requests.length, 2);
  });

  test('after its answer just ends its stream', async () => {
    const { server, sidecar } = await start();
    for (const answerEvent of [
      event({ jsonrpc: '2.0', id: 1, result: {} }),
      // As the TypeScript SDK writes it; only the end of it is looked at.
      event({ result: { content: 'x'.repeat(10_000) }, jsonrpc: '2.0', id: 1 }),
    ]) {
      server.scripts.set('held', (request) => stream(request)(PROGRESS + answerEvent));
      const { body } = await post(sidecar.url, call('held'));
      assert.equal(body, PROGRESS + answerEvent);
    }
    const { outcome } = await untilAudit(sidecar, (each) => each.target.name === 'held');
    assert.equal(outcome, 'success');
  });
});

const LISTEN = { jsonrpc: '2.0', id: 'l1', method: 'subscriptions/listen', params: modern('x').params };

describe('a stream that only listens', () => {
  for (const kind of ['GET', 'subscriptions/listen'] as const) {
    const open = (url: string): Promise<Response> =>
      kind === 'GET'
        ? fetch(url, { headers: { accept: 'text/event-stream' } })
        : fetch(url, {
            method: 'POST',
            headers: { ...HEADERS, ...modernHeaders(kind) },
            body: JSON.stringify(LISTEN),
          });

    test(`may be silent for longer than any call (${kind})`, async () => {
      const { server, sidecar } = await start({}, 'modern');
      let send: ((text: string) => void) | undefined;
      server.scripts.set(kind, (request) => (send = stream(request)));
      const reader = (await open(sidecar.url)).body!.pipeThrough(new TextDecoderStream()).getReader();
      await new Promise((resolve) => setTimeout(resolve, 2.5 * LIMIT_MS));
      send?.(PROGRESS);
      assert.equal((await reader.read()).value, PROGRESS);
      await reader.cancel();
    });

    test(`ends with the server’s, and breaks off with it (${kind})`, async () => {
      const { server, sidecar } = await start({}, 'modern');
      server.scripts.set(kind, (request) => (stream(request)(PROGRESS), request.socket.write('0\r\n\r\n')));
      assert.equal(await (await open(sidecar.url)).text(), PROGRESS);
      server.scripts.set(kind, (request) => (stream(request)(PROGRESS), request.socket.destroy()));
      await assert.rejects(open(sidecar.url).then((response) => response.text()));
    });

    test(`is kept alive with comments between events, as long as it is silent (${kind})`, async (t) => {
      const { server, sidecar } = await start({}, 'modern');
      let send: ((text: string) => void) | undefined;
      server.scripts.set(kind, (request) => (send = stream(request)));
      t.mock.timers.enable({ apis: ['setInterval'] });
      const reader = (await open(sidecar.url)).body!.pipeThrough(new TextDecoderStream()).getReader();
      t.mock.timers.tick(15_000);
      t.mock.timers.tick(15_000);
      assert.equal((await reader.read()).value, ': keep-alive\n\n');
      send?.('data: {"half"');
      assert.equal((await reader.read()).value, 'data: {"half"');
      for (let each = 0; each < 4; each++) t.mock.timers.tick(15_000);
      send?.(':1}\n\n');
      assert.equal((await reader.read()).value, ':1}\n\n');
      t.mock.timers.tick(15_000);
      t.mock.timers.tick(15_000);
      assert.equal((await reader.read()).value, ': keep-alive\n\n');
      await reader.cancel();
    });
  }

  test('is ended by a drain between events: a half one is waited for', async () => {
    const { server, sidecar } = await start({}, 'modern');
    let send: ((text: string) => void) | undefined;
    server.scripts.set('subscriptions/listen', (request) => (send = stream(request)));
    const response = await fetch(sidecar.url, {
      method: 'POST',
      headers: { ...HEADERS, ...modernHeaders('subscriptions/listen') },
      body: JSON.stringify(LISTEN),
    });
    send?.('data: {"half"');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, 'data: {"half"');
    await fetch(sidecar.adminUrl + sidecar.drainPath);
    send?.(':1}\n\n');
    let rest = '';
    for (let read = await reader.read(); !read.done; read = await reader.read()) rest += read.value;
    assert.match(
      rest,
      /^:1}\n\ndata: {"jsonrpc":"2.0","id":"l1","result":{"resultType":"complete",[^\n]*}\n\n$/,
    );
  });
});

const HALF_BODY = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"a":';

/** Writes as fast as it is read. */
function endless(request: RawRequest): void {
  const send = stream(request);
  const fill = (): void => {
    while (!request.socket.destroyed && !request.socket.writableNeedDrain)
      send(event({ jsonrpc: '2.0', method: 'notifications/message', params: { data: 'x'.repeat(30_000) } }));
  };
  request.socket.on('drain', fill);
  fill();
}

const metrics = async (adminUrl: string): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text();
