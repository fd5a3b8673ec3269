/** Clients of sessions whose streams are cut, in front of a server that knows 2026-07-28 alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { call, HEADERS, initialize } from './post.ts';
import { as, start, stops, tokens } from './proxied.ts';
import { startStream, tool, type ScriptedServer } from './scripted-server.ts';
import { waitFor } from './wait-for.ts';

const PROGRESS = { jsonrpc: '2.0', method: 'notifications/progress' };
const progress = (done: number) => ({ ...PROGRESS, params: { progressToken: 'p', progress: done } });
const result = (id: unknown, text: string) => ({
  jsonrpc: '2.0',
  id,
  result: { resultType: 'complete', content: [{ type: 'text', text }] },
});

interface Begun {
  readonly request: { readonly cut: boolean };
  readonly id: unknown;
  readonly tell: (message: unknown) => void;
}

/** A server of 2026-07-28 whose calls stay open for the test to go on with. */
async function startServer(filter?: { denyTools: string[] }) {
  const auth = tokens()!;
  const { server, sidecar } = await start({ auth, ...(filter ? { filter } : {}) }, 'modern');
  server.answers.set('initialize', (_, response) =>
    response.writeHead(400, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        jsonrpc: '2.0',
        id: null,
        error: { code: -32022, message: 'no', data: { supported: ['2026-07-28'], requested: '2025-11-25' } },
      }),
    ),
  );
  const begun: Begun[] = [];
  for (const method of ['tools/call', 'tools/list', 'subscriptions/listen'])
    server.answers.set(method, (request, response) => {
      begun.push({ request, id: request.message?.id, tell: startStream(response) });
    });
  const session = { 'mcp-session-id': await initialize(sidecar.url, as('alice')) };
  return { server, sidecar, begun, headers: { ...as('alice'), ...session } };
}

interface Stream {
  readonly status: number;
  /** All that has come, cut into events. */
  events(): { id?: string; data: string }[];
  /** The server has ended it. */
  readonly over: Promise<void>;
  cut(): void;
}

async function open(url: string, headers: Record<string, string>, message?: object): Promise<Stream> {
  const abort = new AbortController();
  const response = await fetch(url, {
    method: message ? 'POST' : 'GET',
    headers: { ...HEADERS, accept: 'application/json, text/event-stream', ...headers },
    signal: abort.signal,
    ...(message ? { body: JSON.stringify(message) } : {}),
  });
  let text = '';
  const over = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  return {
    status: response.status,
    events: () =>
      text
        .split('\n\n')
        .slice(0, -1)
        .map((each) => ({
          id: /^id: (.*)$/m.exec(each)?.[1],
          data: /^data: ?(.*)$/m.exec(each)?.[1] ?? '',
        })),
    over,
    cut: () => abort.abort(),
  };
}
const until = (stream: Stream, count: number) =>
  waitFor(`${count} events`, () => stream.events().length >= count);
const messages = (stream: Stream) =>
  stream
    .events()
    .filter(({ data }) => data !== '')
    .map(({ data }) => JSON.parse(data));
const after = (headers: Record<string, string>, { id }: { id?: string }) => ({
  ...headers,
  'last-event-id': id ?? '',
});
const listening = (server: ScriptedServer) =>
  server.fromClients().filter(({ message }) => message?.method === 'subscriptions/listen');

describe('the stream of a call that was cut', () => {
  test('goes on behind the last event that came, and the server does not notice', async () => {
    const { sidecar, begun, headers } = await startServer();
    const stream = await openWith(call('echo'), progress(1));
    await until(stream, 2);
    const last = stream.events().at(-1)!;
    stream.cut();
    begun[0]!.tell(progress(2));
    const resumed = await open(sidecar.url, after(headers, last));
    await until(resumed, 1);
    begun[0]!.tell(result(begun[0]!.id, 'done'));
    await resumed.over;
    assert.deepEqual(
      messages(resumed).map(({ params, result: given }) => params?.progress ?? given.content[0].text),
      [2, 'done'],
    );
    assert.equal(messages(resumed).at(-1).id, 1);
    assert.equal(begun.length, 1);
    // Once more: what was said is still kept, and nothing else comes.
    const again = await open(sidecar.url, after(headers, resumed.events()[0]!));
    await again.over;
    assert.deepEqual(
      messages(again).map(({ result: given }) => given.content[0].text),
      ['done'],
    );

    async function openWith(message: object, first: object): Promise<Stream> {
      const opening = open(sidecar.url, headers, message);
      await waitFor('the call', () => begun.length);
      begun[0]!.tell(first);
      return opening;
    }
  });

  test('has an id to go on from when the server says nothing for a second', async () => {
    const { sidecar, begun, headers } = await startServer();
    const stream = await open(sidecar.url, headers, call('echo'));
    await until(stream, 1);
    const [primer] = stream.events();
    assert.equal(primer?.data, '');
    stream.cut();
    begun[0]!.tell(result(begun[0]!.id, 'late'));
    const resumed = await open(sidecar.url, after(headers, primer!));
    await resumed.over;
    assert.equal(messages(resumed)[0].result.content[0].text, 'late');
  });

  test('is nobody else’s, and in no other session of the caller’s', async () => {
    const { sidecar, begun, headers } = await startServer();
    const opening = open(sidecar.url, headers, call('echo'));
    await waitFor('the call', () => begun.length);
    begun[0]!.tell(progress(1));
    const stream = await opening;
    await until(stream, 2);
    const last = stream.events().at(-1)!;
    stream.cut();
    assert.equal((await open(sidecar.url, after({ ...headers, ...as('bob') }, last))).status, 404);
    const other = { ...as('alice'), 'mcp-session-id': await initialize(sidecar.url, as('alice')) };
    const refused = await open(sidecar.url, after(other, last));
    assert.equal(refused.status, 400);
  });

  test('is refused when what was missed is more than is kept, and for events that never were', async () => {
    const { sidecar, begun, headers } = await startServer();
    const opening = open(sidecar.url, headers, call('echo'));
    await waitFor('the call', () => begun.length);
    begun[0]!.tell(progress(1));
    const stream = await opening;
    await until(stream, 2);
    const last = stream.events().at(-1)!;
    stream.cut();
    const message = 'x'.repeat(200_000);
    for (let each = 0; each < 4; each++)
      begun[0]!.tell({ ...PROGRESS, params: { progressToken: 'p', progress: each, message } });
    begun[0]!.tell(result(begun[0]!.id, 'done'));
    await waitFor('it is not kept', async () => {
      const { status } = await open(sidecar.url, after(headers, last));
      return status === 400;
    });
    for (const id of ['s1-99', 's9-1', 'nonsense', 's1-1\u00e9'])
      assert.equal((await open(sidecar.url, { ...headers, 'last-event-id': id })).status, 400, id);
  });

  test('ends with the error when the server has broken off, for who comes back too', async () => {
    const { server, sidecar, begun, headers } = await startServer();
    server.answers.set('tools/call', (request, response) => {
      begun.push({ request, id: request.message?.id, tell: startStream(response) });
      setTimeout(() => response.destroy(), 50);
    });
    const opening = open(sidecar.url, headers, call('echo'));
    await waitFor('the call', () => begun.length);
    begun[0]!.tell(progress(1));
    const stream = await opening;
    await stream.over;
    const [, , { id, data }] = stream.events() as [object, object, { id: string; data: string }];
    assert.deepEqual([JSON.parse(data).id, JSON.parse(data).error.code], [1, -32603]);
    const again = await open(sidecar.url, after(headers, stream.events()[1]!));
    await again.over;
    assert.deepEqual(again.events(), [{ id, data }]);
  });

  test('is filtered as the call was', async () => {
    const { sidecar, begun, headers } = await startServer({ denyTools: ['secret'] });
    const opening = open(sidecar.url, headers, { jsonrpc: '2.0', id: 1, method: 'tools/list' });
    await waitFor('the call', () => begun.length);
    begun[0]!.tell(progress(1));
    const stream = await opening;
    await until(stream, 2);
    stream.cut();
    const tools = [tool('echo'), tool('secret')];
    begun[0]!.tell({
      jsonrpc: '2.0',
      id: begun[0]!.id,
      result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools },
    });
    const resumed = await open(sidecar.url, after(headers, stream.events().at(-1)!));
    await resumed.over;
    assert.deepEqual(
      messages(resumed)[0].result.tools.map(({ name }: { name: string }) => name),
      ['echo'],
    );
  });

  test('ends at the server when its client cancels it or ends the session', async () => {
    const { sidecar, begun, headers } = await startServer();
    for (const [index, end] of [
      () =>
        open(sidecar.url, headers, {
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { requestId: 1 },
        }),
      () => fetch(sidecar.url, { method: 'DELETE', headers }),
    ].entries()) {
      const opening = open(sidecar.url, headers, call('echo'));
      await waitFor('the call', () => begun.length > index);
      begun[index]!.tell(progress(1));
      const stream = await opening;
      await until(stream, 2);
      stream.cut();
      await end();
      await waitFor('the end of it', () => begun[index]!.request.cut);
    }
  });
});

describe('the stream of what a client is told unasked', () => {
  const CHANGED = { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} };

  test('goes on with what came meanwhile, on the same subscription', async () => {
    const { server, sidecar, begun, headers } = await startServer();
    const stream = await open(sidecar.url, headers);
    await waitFor('the subscription', () => begun.length);
    await until(stream, 1);
    stream.cut();
    begun[0]!.tell(CHANGED);
    const resumed = await open(sidecar.url, after(headers, stream.events()[0]!));
    await until(resumed, 1);
    begun[0]!.tell({ ...CHANGED, method: 'notifications/prompts/list_changed' });
    await until(resumed, 2);
    assert.deepEqual(
      messages(resumed).map(({ method }) => method),
      ['notifications/tools/list_changed', 'notifications/prompts/list_changed'],
    );
    assert.equal(listening(server).length, 1);
    resumed.cut();
  });

  test('is given up when its client begins another', async () => {
    const { sidecar, begun, headers } = await startServer();
    const stream = await open(sidecar.url, headers);
    await waitFor('the subscription', () => begun.length);
    stream.cut();
    const next = await open(sidecar.url, headers);
    await waitFor('its end', () => begun[0]!.request.cut);
    next.cut();
  });
});

test('the SDK’s client gets the result of a call whose connection was cut', async () => {
  const { sidecar, begun } = await startServer();
  const sockets = new Set<Socket>();
  // A load balancer that cuts what it carries.
  const between = createServer((socket) => {
    const onward = connect(sidecar.listenPort, '127.0.0.1');
    sockets.add(socket);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  stops.push(() => void between.close());
  const url = new URL(`http://127.0.0.1:${(between.address() as AddressInfo).port}/mcp`);
  const client = new Client({ name: 'cut', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(url, {
      requestInit: { headers: as('alice') },
      reconnectionOptions: {
        initialReconnectionDelay: 50,
        maxReconnectionDelay: 200,
        reconnectionDelayGrowFactor: 1,
        maxRetries: 20,
      },
    }) as Transport,
  );
  let heard = 0;
  const running = client.callTool({ name: 'echo', arguments: {} }, undefined, { onprogress: () => heard++ });
  const calls = () => begun.filter(({ id }) => typeof id === 'number');
  await waitFor('the call', () => calls().length);
  const [{ id, tell }] = calls() as [Begun];
  const { params } = { params: { progressToken: id, progress: 1 } };
  tell({ ...PROGRESS, params });
  await waitFor('progress', () => heard);
  for (const socket of sockets) socket.destroy();
  tell(result(id, 'after the cut'));
  assert.deepEqual((await running).content, [{ type: 'text', text: 'after the cut' }]);
  await client.close();
});
