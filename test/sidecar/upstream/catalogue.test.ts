import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { createCatalogue, type CatalogueState } from '../../../sidecar/upstream/catalogue.ts';
import { createHttpPool } from '../../../sidecar/upstream/http-pool.ts';
import { sendResult, startScriptedServer, startStream, tool, type Answer } from '../wire/scripted-server.ts';
import { waitFor } from '../wire/wait-for.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(prepare: (answers: Map<string, Answer>) => void = () => undefined) {
  const server = await startScriptedServer();
  stops.push(server.stop);
  prepare(server.answersToSidecar);
  const pool = createHttpPool({ addresses: ['127.0.0.1'], port: server.port, path: '/mcp' });
  const states: CatalogueState[] = [];
  const catalogue = createCatalogue(pool, (state) => states.push(state));
  stops.push(() => pool.close());
  stops.push(() => catalogue.close());
  const names = () => [...(catalogue.state().tools?.keys() ?? [])];
  return { server, catalogue, states, names };
}

const untilConnected = (catalogue: { state(): CatalogueState }) =>
  waitFor('the connection', () => catalogue.state().connected && catalogue.state());

describe('the catalogue', () => {
  test('finds a legacy server and its tools with their hints', async () => {
    const { server, catalogue } = await start();
    server.tools = [
      tool('reads', { readOnlyHint: true }),
      tool('adds', { destructiveHint: false }),
      tool('silent'),
      { title: 'no name' },
    ];
    const { era, version, tools } = await untilConnected(catalogue);
    assert.deepEqual([era, version], ['legacy', '2025-11-25']);
    assert.deepEqual(
      [...(tools?.values() ?? [])],
      [
        { name: 'reads', readOnly: true, destructive: false },
        { name: 'adds', readOnly: false, destructive: false },
        { name: 'silent', readOnly: false, destructive: true },
      ],
    );
    const methods = server.requests.map((each) => each.message?.method ?? each.method);
    assert.deepEqual(methods.slice(0, 4), [
      'server/discover',
      'initialize',
      'notifications/initialized',
      'tools/list',
    ]);
  });

  test('finds a modern server, and speaks to it without a session', async () => {
    const { server, catalogue } = await start((answers) =>
      answers.set('server/discover', (request, response) =>
        sendResult(request, response, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }),
      ),
    );
    assert.deepEqual((await untilConnected(catalogue)).era, 'modern');
    for (const { headers, message } of server.requests.filter((each) => each.message)) {
      assert.equal(headers['mcp-session-id'], undefined);
      assert.equal(headers['mcp-protocol-version'], '2026-07-28');
      assert.equal(headers['mcp-method'], message?.method);
    }
  });

  test('takes a server that offers older versions alone for a legacy one', async () => {
    const { catalogue } = await start((answers) =>
      answers.set('server/discover', (request, response) =>
        sendResult(request, response, { supportedVersions: ['2025-11-25'], capabilities: {} }),
      ),
    );
    assert.equal((await untilConnected(catalogue)).era, 'legacy');
  });

  for (const status of [401, 429, 503]) {
    test(`does not take ${status} for an answer about the era, and asks again`, async () => {
      let refused = 0;
      const { server, catalogue, states } = await start((answers) =>
        answers.set('server/discover', (request, response) => {
          if (refused++ < 2) return void response.writeHead(status).end();
          sendResult(request, response, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } });
        }),
      );
      assert.equal((await untilConnected(catalogue)).era, 'modern');
      assert.match(states[0]?.error ?? '', new RegExp(`server/discover was answered ${status}`));
      assert.ok(!server.requests.some(({ message }) => message?.method === 'initialize'));
    });
  }

  test('reads every page, and lists in event streams', async () => {
    const { catalogue } = await start((answers) =>
      answers.set('tools/list', ({ message }, response) => {
        const page = Number(message?.params?.['cursor'] ?? 0);
        const send = startStream(response);
        send({ jsonrpc: '2.0', method: 'notifications/message', params: {} });
        send({
          jsonrpc: '2.0',
          id: message?.id,
          result: { tools: [tool(`t${page}`)], ...(page < 3 ? { nextCursor: String(page + 1) } : {}) },
        });
        // The stream stays open: what was asked for has come.
      }),
    );
    const { tools } = await untilConnected(catalogue);
    assert.deepEqual([...(tools?.keys() ?? [])], ['t0', 't1', 't2', 't3']);
  });

  test('is degraded, and says why, when the tools cannot be listed', async () => {
    const { catalogue, states } = await start((answers) =>
      answers.set(
        'tools/list',
        (_, response) =>
          void response
            .writeHead(200, { 'content-type': 'application/json' })
            .end('{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"not today"}}'),
      ),
    );
    await waitFor('the reason', () => states.some(({ error }) => error?.includes('not today (-32000)')));
    assert.equal(catalogue.state().connected, false);
    assert.equal(await catalogue.tools(50), undefined);
  });

  test('lists again when the server says that its tools have changed, also while it is listing', async () => {
    let tell: ((message: unknown) => void) | undefined;
    const { server, catalogue, names } = await start((answers) =>
      answers.set('GET', (_, response) => (tell = startStream(response))),
    );
    await untilConnected(catalogue);
    await waitFor('the stream', () => tell);
    const changed = () => tell?.({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    server.tools = [tool('second')];
    changed();
    await waitFor('the second list', () => names().join() === 'second');
    // The news comes while the list that is older than it is on its way.
    server.answersToSidecar.set('tools/list', (request, response) => {
      server.answersToSidecar.delete('tools/list');
      changed();
      setTimeout(() => sendResult(request, response, { tools: [tool('older')] }), 50);
      server.tools = [tool('third')];
    });
    changed();
    await waitFor('the third list', () => names().join() === 'third');
  });

  test('is not driven in a circle by a server that announces changes whenever it is asked', async () => {
    let lists = 0;
    let tell: ((message: unknown) => void) | undefined;
    const { catalogue } = await start((answers) => {
      answers.set('GET', (_, response) => (tell = startStream(response)));
      answers.set('tools/list', (request, response) => {
        lists++;
        sendResult(request, response, { tools: [tool('a')] });
        tell?.({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
      });
    });
    await untilConnected(catalogue);
    const startedAtMs = Date.now();
    await waitFor('four lists', () => lists >= 4);
    // Two of them are for the start; the others keep their distance.
    assert.ok(Date.now() - startedAtMs >= 200, `${lists} lists in ${Date.now() - startedAtMs} ms`);
  });

  test('lists again once its stream is open: what changed before was told to nobody', async () => {
    const { server, catalogue, names } = await start((answers) =>
      answers.set('GET', (_, response) => {
        server.tools = [tool('changed-unheard')];
        startStream(response);
      }),
    );
    await untilConnected(catalogue);
    await waitFor('the list', () => names().join() === 'changed-unheard');
  });

  test('keeps what it knew while the server is away, and notices at once', async () => {
    const { server, catalogue, names } = await start((answers) =>
      answers.set('GET', (_, response) => void startStream(response)),
    );
    await untilConnected(catalogue);
    await server.stop();
    stops.shift();
    await waitFor('degraded', () => !catalogue.state().connected);
    assert.deepEqual(names(), ['echo', 'secret']);
    assert.match(catalogue.state().error ?? '', /./);
    const again = await startScriptedServer(server.port);
    stops.unshift(again.stop);
    again.tools = [tool('new')];
    await waitFor('the new list', () => names().join() === 'new');
  });
});
