import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { freePorts } from '../../conformance/ports.ts';
import { startEverythingServer, type RunningServer } from './everything-server.ts';
import { call, initialize, INITIALIZE, post } from './post.ts';
import { connectV1, connectV2, type TestClient } from './sdk-clients.ts';
import { startSidecar, untilAudit, untilHealth, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const AUTO = { upstream: { transport: 'auto', ssePath: '/sse' } } as const;

describe('server-everything, with nothing said of its transport', () => {
  let server: RunningServer | undefined;
  let sidecar: TestSidecar | undefined;
  after(async () => {
    await sidecar?.stop();
    await server?.kill();
  });

  test(
    'is found over HTTP+SSE, over streamable HTTP in its place, and again',
    { timeout: 120_000 },
    async () => {
      const [port] = (await freePorts(1)) as [number];
      sidecar = await startSidecar({ upstreamPort: port, ...AUTO });
      const found = async (): Promise<string> => (await sidecar!.health()).servers[0].transport;
      assert.equal(await found(), undefined);
      // A client that comes before the server waits for it, and for what it speaks.
      const early = post(sidecar.url, INITIALIZE);
      for (const [mode, transport] of [
        ['sse', 'sse'],
        ['streamableHttp', 'streamable-http'],
        ['sse', 'sse'],
      ] as const) {
        server = await startEverythingServer(port, mode);
        await waitFor(`${transport} is found`, async () => (await found()) === transport);
        await untilHealth(sidecar, 'healthy');
        for (const [connect, era] of [
          [connectV1, 'legacy'],
          [connectV2, 'modern'],
        ] as const) {
          const client: TestClient = await connect(sidecar.url);
          assert.equal(client.era, era);
          assert.equal(await client.callTool('echo', { message: transport }), `Echo: ${transport}`);
          await client.close();
        }
        const { target, metadata } = await untilAudit(sidecar, (each) => each.target.method === 'tools/call');
        assert.deepEqual([target.name, metadata.extra.transport], ['echo', transport]);
        await sidecar.settled();
        sidecar.audit.length = 0;
        await server.kill();
        await untilHealth(sidecar, 'degraded');
      }
      const given = await early;
      assert.equal(given.status, 200, given.body);
    },
  );
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const SERVER_INFO = { name: 's', version: '1' };
const result = (id: unknown, value: object) => JSON.stringify({ jsonrpc: '2.0', id, result: value });
const page: Handler = (_, response) =>
  void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Not Found</html>');
const welcome: Handler = (_, response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>');
const refusing =
  (status: number): Handler =>
  (_, response) =>
    void response.writeHead(status).end();
const silent: Handler = () => undefined;

/** Of 2025-11-25, without sessions. */
const streamable: Handler = (request, response, body) => {
  if (request.method !== 'POST') return refusing(405)(request, response, body);
  const { id, method } = JSON.parse(body);
  if (id === undefined) return void response.writeHead(202).end();
  response.writeHead(200, { 'content-type': 'application/json' });
  if (method === 'server/discover')
    return void response.end(
      JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no method' } }),
    );
  const value =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: SERVER_INFO }
      : {};
  response.end(result(id, value));
};

/** HTTP+SSE at the path `/sse`, and nothing else. @param otherwise what it says elsewhere */
function overSse(otherwise: Handler = page): Handler {
  let events: ServerResponse | undefined;
  return (request, response, body) => {
    if (request.url === '/messages') {
      const { id, method } = JSON.parse(body);
      response.writeHead(202).end();
      const value =
        method === 'initialize'
          ? { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: SERVER_INFO }
          : {};
      if (id !== undefined) events?.write(`data: ${result(id, value)}\n\n`);
    } else if (request.url === '/sse' && request.method === 'GET') {
      events = response.writeHead(200, { 'content-type': 'text/event-stream' });
      events.write('event: endpoint\ndata: /messages\n\n');
    } else if (request.url === '/sse') refusing(405)(request, response, body);
    else otherwise(request, response, body);
  };
}

describe('a server of unknown transport', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function start(first: Handler, options: { upstreamPath?: string; ssePath?: string } = {}) {
    const asked: string[] = [];
    const answers = { now: first };
    const http = createServer(async (request, response) => {
      const body = await text(request);
      asked.push(`${request.method} ${request.url}`);
      answers.now(request, response, body);
    }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    stops.push(() => http.close().closeAllConnections());
    const { upstreamPath = '/mcp', ssePath = '/sse' } = options;
    const sidecar = await startSidecar({
      upstreamPort: (http.address() as AddressInfo).port,
      upstreamPath,
      upstream: { transport: 'auto', ssePath },
    });
    stops.push(() => sidecar.stop());
    return { sidecar, asked, answers };
  }

  test('that answers 404 with a page at /mcp is asked at /sse, once', async () => {
    const { sidecar, asked } = await start(overSse());
    const { servers } = await untilHealth(sidecar, 'healthy');
    assert.equal(servers[0].transport, 'sse');
    await initialize(sidecar.url);
    assert.deepEqual(
      [...new Set(asked)],
      ['POST /mcp', 'GET /sse', 'POST /messages'],
      'messages of a found server go its own way',
    );
    assert.equal(asked.filter((each) => each === 'POST /mcp').length, 2);
  });

  for (const [title, otherwise] of [
    ['a page and 200', welcome],
    ['403', refusing(403)],
    ['405', refusing(405)],
    ['406', refusing(406)],
    ['500', refusing(500)],
    ['501', refusing(501)],
  ] as const)
    test(`that answers ${title} at /mcp is found at /sse`, async () => {
      const { sidecar } = await start(overSse(otherwise));
      const { servers } = await untilHealth(sidecar, 'healthy');
      assert.equal(servers[0].transport, 'sse');
      await initialize(sidecar.url);
    });

  test('that is a web application is told with what it answered at both places', async () => {
    const { sidecar } = await start(welcome);
    const { servers } = await waitFor('the reason', async () => {
      const health = await sidecar.health();
      return /HTTP\+SSE/.test(health.servers[0].error) && health;
    });
    assert.equal(servers[0].transport, undefined);
    assert.equal(
      servers[0].error,
      'initialize was refused: status 200 with text/html (streamable HTTP at /mcp); GET /sse was answered 200 text/html: no event stream (HTTP+SSE at /sse); the annotation path says where the server is',
    );
  });

  test('is asked at a path that was written in both ways', async () => {
    const { sidecar, asked } = await start(overSse(), { upstreamPath: '/sse' });
    assert.equal((await untilHealth(sidecar, 'healthy')).servers[0].transport, 'sse');
    assert.deepEqual([...new Set(asked)], ['POST /sse', 'GET /sse', 'POST /messages']);
  });

  for (const [title, handler, reason] of [
    ['401', refusing(401), /server\/discover was answered 401/],
    ['429', refusing(429), /server\/discover was answered 429/],
    ['nothing', silent, /not answered within/],
  ] as const)
    test(`that answers ${title} at first has said nothing of its transport`, async () => {
      const { sidecar, asked, answers } = await start(handler);
      const health = await waitFor('the reason', async () => {
        const now = await sidecar.health();
        return reason.test(now.servers[0].error) && now;
      });
      assert.equal(health.servers[0].transport, undefined);
      assert.deepEqual([...new Set(asked)], ['POST /mcp']);
      answers.now = streamable;
      assert.equal((await untilHealth(sidecar, 'healthy')).servers[0].transport, 'streamable-http');
      assert.deepEqual([...new Set(asked)].includes('GET /sse'), false);
    });

  for (const status of [403, 503])
    test(`that answers ${status} at first is asked for an event stream, and without one nothing is settled`, async () => {
      const { sidecar, asked, answers } = await start(refusing(status));
      const { servers } = await waitFor('the reason', async () => {
        const now = await sidecar.health();
        return /HTTP\+SSE/.test(now.servers[0].error) && now;
      });
      assert.equal(servers[0].transport, undefined);
      assert.equal(
        servers[0].error,
        `server/discover was answered ${status} (streamable HTTP at /mcp); GET /sse was answered ${status}: no event stream (HTTP+SSE at /sse)`,
      );
      assert.deepEqual([...new Set(asked)], ['POST /mcp', 'GET /sse']);
      answers.now = streamable;
      assert.equal((await untilHealth(sidecar, 'healthy')).servers[0].transport, 'streamable-http');
    });

  test('that is neither is told with what was tried, and found when it is there', async () => {
    const { sidecar, answers } = await start(page);
    const { servers } = await waitFor('the reason', async () => {
      const health = await sidecar.health();
      return /HTTP\+SSE/.test(health.servers[0].error) && health;
    });
    assert.equal(
      servers[0].error,
      'initialize was refused: status 404 (streamable HTTP at /mcp); GET /sse was answered 404 text/html: no event stream (HTTP+SSE at /sse); the annotation path says where the server is',
    );
    const told = sidecar.events.filter(({ event }) => event === 'server_degraded').length;
    assert.equal(told, 1, 'attempts that end alike are no news');
    answers.now = streamable;
    assert.equal((await untilHealth(sidecar, 'healthy')).servers[0].transport, 'streamable-http');
  });

  test('that never lets the proxy in serves its callers over streamable HTTP, when it has had time to start', async () => {
    const { sidecar } = await start((request, response, body) => {
      const { method, params } = JSON.parse(body || '{}');
      if (method !== 'initialize' || params.clientInfo.name === 'kubectl-mcp-sidecar')
        return refusing(401)(request, response, body);
      streamable(request, response, body);
    });
    const given = await post(sidecar.url, INITIALIZE);
    assert.equal(given.status, 200, given.body);
  });

  test('whose calls come while it is unknown answers them late, and no one else does', async () => {
    const { sidecar, asked, answers } = await start(refusing(503));
    const early = post(sidecar.url, call('echo'), { 'mcp-protocol-version': '2025-06-18' });
    await waitFor('an attempt', () => asked.length > 0);
    answers.now = streamable;
    assert.equal((await early).status, 200);
  });
});
