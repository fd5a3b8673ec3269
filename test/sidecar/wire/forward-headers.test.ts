import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { postModern } from './modern-meta.ts';
import { call, initialize, post } from './post.ts';
import { start, stops } from './proxied.ts';
import type { ScriptedServer } from './scripted-server.ts';
import { startSidecar, untilHealth } from './start-sidecar.ts';

const NAMED = { upstream: { forwardHeaders: ['x-tenant', 'x-request-id'] } };
const SENT = { 'x-tenant': 'acme corp', 'X-Request-Id': 'r-1', 'x-other': 'no', cookie: 'a=b' };
const RECEIVED = { 'x-tenant': 'acme corp', 'x-request-id': 'r-1' };

/** The headers of interest of the call that reached the server. */
function received(server: ScriptedServer): object {
  const { headers } = server.fromClients().find(({ message }) => message?.method === 'tools/call')!;
  return ofInterest(headers);
}
const ofInterest = (headers: IncomingHttpHeaders): object =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^x-|cookie/.test(name)));

describe('headers that are named', () => {
  test('reach a server of the era of sessions, and no others do', async () => {
    const { server, sidecar } = await start(NAMED);
    const session = { 'mcp-session-id': await initialize(sidecar.url, SENT) };
    assert.equal((await post(sidecar.url, call('echo'), { ...SENT, ...session })).status, 200);
    assert.deepEqual(received(server), RECEIVED);
    assert.deepEqual(ofInterest(server.fromClients()[0]!.headers), RECEIVED);
    await fetch(sidecar.url, { method: 'DELETE', headers: { ...SENT, ...session } });
    assert.deepEqual(ofInterest(server.fromClients().at(-1)!.headers), RECEIVED);
  });

  test('reach a server of 2026-07-28', async () => {
    const { server, sidecar } = await start(NAMED, 'modern');
    const params = { name: 'echo', arguments: {} };
    assert.equal((await postModern(sidecar.url, 'tools/call', params, { headers: SENT })).status, 200);
    assert.deepEqual(received(server), RECEIVED);
  });

  test('go with the call of a client of 2026-07-28 to a server of sessions', async () => {
    const { server, sidecar } = await start(NAMED);
    const params = { name: 'echo', arguments: {} };
    const { status, last } = await postModern(sidecar.url, 'tools/call', params, { headers: SENT });
    assert.deepEqual([status, last.result?.content[0].text], [200, 'done']);
    // Its own requests of the session are told apart by their ids, the call's is a number.
    const calls = server.requests.filter(({ message }) => message?.method === 'tools/call');
    assert.deepEqual(
      calls.map(({ headers }) => ofInterest(headers)),
      [RECEIVED],
    );
  });

  test('go with the call of a client of sessions to a server of 2026-07-28', async () => {
    const { server, sidecar } = await start(NAMED, 'modern');
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    const { status, body } = await post(sidecar.url, call('echo'), { ...SENT, ...session });
    assert.deepEqual([status, /"done"/.test(body)], [200, true], body);
    assert.deepEqual(received(server), RECEIVED);
  });

  test('go with the stream and the messages of a session over HTTP+SSE, each with its own', async () => {
    const { port, got } = await startSseServer();
    const sidecar = await startSidecar({
      upstreamPort: port,
      upstreamPath: '/sse',
      upstream: { transport: 'sse', ...NAMED.upstream },
    });
    stops.push(sidecar.stop);
    await untilHealth(sidecar, 'healthy');
    const session = { 'mcp-session-id': await initialize(sidecar.url, { 'x-tenant': 'acme' }) };
    const headers = { ...session, 'x-tenant': 'acme', 'x-request-id': '2' };
    assert.equal((await post(sidecar.url, call('echo'), headers)).status, 200);
    const ofCaller = got.filter(({ headers: each }) => each['x-tenant'] !== undefined);
    assert.deepEqual(
      ofCaller.map(({ what, headers: each }) => [what, ofInterest(each)]),
      [
        ['GET', { 'x-tenant': 'acme' }],
        ['initialize', { 'x-tenant': 'acme' }],
        ['tools/call', { 'x-tenant': 'acme', 'x-request-id': '2' }],
      ],
    );
  });

  for (const [title, lines, status] of [
    ['come twice', ['x-tenant: a', 'X-Tenant: b'], 400],
    ['hold what is not ASCII', ['x-tenant: \u00e9'], 400],
    ['are too long', [`x-tenant: ${'a'.repeat(1_025)}`], 431],
    ['are as long as may be', [`x-tenant: ${'a'.repeat(1_024)}`], 200],
    ['are empty', ['x-tenant: '], 200],
    ['come twice and are not named', ['x-other: a', 'X-Other: b'], 200],
  ] as const)
    test(`that ${title}: ${status}`, async () => {
      const { server, sidecar } = await start(NAMED);
      const answer = await raw(sidecar.listenPort, lines);
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
      assert.equal(server.fromClients().length, status === 200 ? 1 : 0);
      if (status !== 200) assert.match(answer, /header.* x-tenant|two x-tenant headers/);
    });

  test('may be sent by web pages that are listed', async () => {
    const page = 'https://app.example.com';
    const { sidecar } = await start({ ...NAMED, edge: { allowedOrigins: [page] } });
    const { headers } = await fetch(sidecar.url, {
      method: 'OPTIONS',
      headers: { origin: page, 'access-control-request-method': 'POST' },
    });
    assert.match(headers.get('access-control-allow-headers') ?? '', /, x-tenant, x-request-id(,|$)/);
  });
});

/** As bytes, for what fetch would not send. */
async function raw(port: number, lines: readonly string[]): Promise<string> {
  const body = JSON.stringify(call('echo'));
  const head = [
    'POST /mcp HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${body.length}`,
    'Connection: close',
    ...lines,
  ];
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  return text(socket);
}

async function startSseServer() {
  const streams: ServerResponse[] = [];
  const got: { what: string; headers: IncomingHttpHeaders }[] = [];
  const http = createServer(async (request, response) => {
    const { method, headers, url } = request;
    if (method === 'GET') {
      got.push({ what: 'GET', headers });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.write(`event: endpoint\ndata: /messages?s=${streams.push(response) - 1}\n\n`);
    }
    const message = JSON.parse(await text(request)) as { id?: unknown; method: string };
    got.push({ what: message.method, headers });
    response.writeHead(202).end();
    if (message.id === undefined) return;
    const result =
      message.method === 'initialize'
        ? { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 's', version: '1' } }
        : {};
    const stream = streams[Number(url?.split('=')[1])];
    stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  stops.push(() => http.close().closeAllConnections());
  return { port: (http.address() as AddressInfo).port, got };
}
