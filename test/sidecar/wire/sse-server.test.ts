import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from './everything-server.ts';
import { call, initialize, post } from './post.ts';
import { connectV1, connectV2 } from './sdk-clients.ts';
import { startSidecar, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

describe('server-everything over HTTP+SSE', () => {
  let server: RunningServer;
  let sidecar: TestSidecar;
  let port: number;

  before(async () => {
    [port] = (await freePorts(1)) as [number];
    server = await startEverythingServer(port, 'sse');
    sidecar = await startSidecar({
      upstreamPort: port,
      upstreamPath: '/sse',
      upstream: { transport: 'sse' },
      filter: { denyTools: ['get-env'] },
    });
    await untilHealth(sidecar, 'healthy');
  });
  after(async () => {
    await sidecar?.stop();
    await server?.kill();
  });

  for (const [name, connect, era] of [
    ['v1 of the SDK', connectV1, 'legacy'],
    ['v2 of the SDK', connectV2, 'modern'],
  ] as const)
    test(`serves a client of ${name} over streamable HTTP, filtered, with progress`, async () => {
      const client = await connect(sidecar.url);
      assert.equal(client.era, era);
      const tools = await client.listTools();
      assert.ok(tools.includes('echo') && !tools.includes('get-env'));
      assert.equal(await client.callTool('echo', { message: 'hé' }), 'Echo: hé');
      await assert.rejects(client.callTool('get-env', {}), /Unknown tool: get-env/);
      const seen: number[] = [];
      const steps = { duration: 0.3, steps: 3 };
      assert.match(
        await client.callTool('trigger-long-running-operation', steps, (each) => seen.push(each)),
        /completed/,
      );
      assert.deepEqual(seen, [1, 2, 3]);
      await client.terminate();
      await client.close();
    });

  test('asks its clients of both eras', async () => {
    const name = 'trigger-elicitation-request';
    const answer = { action: 'accept' as const, content: { name: 'Ada', check: true } };
    const modern = new Client(
      { name: 'modern', version: '1' },
      { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    modern.setRequestHandler('elicitation/create', () => answer);
    await modern.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)));
    assert.match(JSON.stringify(await modern.callTool({ name, arguments: {} })), /Ada/);
    await modern.close();
    const legacy = new LegacyClient({ name: 'legacy', version: '1' }, { capabilities: { elicitation: {} } });
    legacy.setRequestHandler(ElicitRequestSchema, () => answer);
    await legacy.connect(new LegacyTransport(new URL(sidecar.url)) as Transport);
    assert.match(JSON.stringify(await legacy.callTool({ name, arguments: {} })), /Ada/);
    await legacy.close();
  });

  test('is asked by one client of 2026-07-28 for several things at once: one after the other, so that no answer is another’s', async () => {
    const client = new Client(
      { name: 'busy', version: '1' },
      { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    let asked = 0;
    client.setRequestHandler('elicitation/create', () => ({
      action: 'accept' as const,
      content: { name: `Ada ${++asked}`, check: true },
    }));
    await client.connect(new StreamableHTTPClientTransport(new URL(sidecar.url)));
    const name = 'trigger-elicitation-request';
    const all = await Promise.all(Array.from({ length: 5 }, () => client.callTool({ name, arguments: {} })));
    assert.deepEqual(all.map((each) => /Ada (\d)/.exec(JSON.stringify(each))?.[1]).toSorted(), [
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
    await client.close();
  });

  test('is not found by streamable HTTP alone, and health says what to write', async () => {
    const mistaken = await startSidecar({ upstreamPort: port });
    const { servers } = await untilHealth(mistaken, 'degraded');
    await waitFor('the reason', async () =>
      /path and transport \(auto: found out\)/.test((await mistaken.health()).servers[0].error),
    );
    assert.equal(servers[0].connected, false);
    await mistaken.stop();
  });

  test('that dies takes its sessions along; the next one serves anew', async () => {
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    assert.equal((await post(sidecar.url, call('echo', 1, { message: 'a' }), session)).status, 200);
    await server.kill();
    await untilHealth(sidecar, 'degraded');
    assert.equal((await post(sidecar.url, call('echo'), session)).status, 404);
    server = await startEverythingServer(port, 'sse');
    await untilHealth(sidecar, 'healthy');
    await initialize(sidecar.url);
  });
});

const answering = (message: { id?: unknown; method?: string }, events: ServerResponse): void => {
  if (message.id === undefined || message.method === 'tools/call') return;
  const result =
    message.method === 'initialize'
      ? { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 's', version: '1' } }
      : {};
  events.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`);
};

describe('a server of HTTP+SSE that', () => {
  const stops: (() => void)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0).toReversed()) stop();
  });

  /** Answers what it likes to each message. */
  async function startServer(
    endpoint: string,
    onMessage: (message: { id?: unknown; method?: string }, events: ServerResponse) => void = () => undefined,
  ) {
    let events: ServerResponse;
    const got: string[] = [];
    const http = createServer(async (request, response) => {
      if (request.method === 'GET') {
        events = response.writeHead(200, { 'content-type': 'text/event-stream' });
        return void response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
      }
      const body = await text(request);
      got.push(request.url ?? '');
      response.writeHead(202).end();
      onMessage(JSON.parse(body), events);
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const sidecar = await startSidecar({
      upstreamPort: port,
      upstreamPath: '/sse',
      upstream: { transport: 'sse', requestTimeoutMs: 1_000 },
    });
    stops.push(
      () => http.close().closeAllConnections(),
      () => void sidecar.stop(),
    );
    return { sidecar, got };
  }
  for (const endpoint of [
    'http://evil.example/messages',
    '//evil.example/x',
    'http://127.0.0.1:1/x',
    'file:///etc',
  ])
    test(`sends its clients to ${endpoint} is not followed`, async () => {
      const { sidecar, got } = await startServer(endpoint, answering);
      const { servers } = await untilHealth(sidecar, 'degraded');
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.match(
        (await sidecar.health()).servers[0].error ?? servers[0].error,
        /not its own|not connected yet/,
      );
      assert.deepEqual(got, []);
    });

  test('never answers a call is given up, and its session goes on', async () => {
    const { sidecar } = await startServer('/messages?s=1', answering);
    await untilHealth(sidecar, 'healthy');
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    const given = await post(sidecar.url, call('echo'), session);
    assert.deepEqual([given.status, JSON.parse(given.body).id], [504, 1]);
    assert.equal((await post(sidecar.url, { jsonrpc: '2.0', id: 2, method: 'ping' }, session)).status, 200);
  });
});
