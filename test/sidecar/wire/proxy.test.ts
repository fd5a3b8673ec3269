import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { call, HEADERS, INITIALIZE, initialize, post } from './post.ts';
import {
  sendJson,
  sendResult,
  SESSION_ID,
  startScriptedServer,
  startStream,
  tool,
  type ScriptedServer,
} from './scripted-server.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function start(
  options: Partial<SidecarOptions> = {},
): Promise<{ server: ScriptedServer; sidecar: TestSidecar }> {
  const server = await startScriptedServer();
  stops.push(server.stop);
  const sidecar = await startSidecar({ upstreamPort: server.port, ...options });
  stops.push(sidecar.stop);
  await untilHealth(sidecar, 'healthy');
  return { server, sidecar };
}

/** Token auth with callers alice and bob. */
function tokens(): SidecarOptions['auth'] {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-wire-'));
  for (const name of ['alice', 'bob']) writeFileSync(join(directory, name), `token-of-${name}`);
  stops.push(() => rmSync(directory, { recursive: true }));
  return { mode: 'token', secret: 'mcp-tokens', directory };
}
const as = (name: string) => ({ authorization: `Bearer token-of-${name}` });
const LIST = { jsonrpc: '2.0', id: 7, method: 'tools/list' };
const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

describe('what reaches the server', () => {
  test('is the bytes that were judged', async () => {
    const { server, sidecar } = await start();
    const body =
      '{ "jsonrpc" : "2.0","id":12345678901234567890,\n"method":"tools/call","params":{"arguments":{"a":1.0,"é":"\\u00e9"},"name":"echo"}} ';
    const { body: answer } = await post(sidecar.url, body);
    assert.equal(server.fromClients()[0]?.body, body);
    assert.equal(server.fromClients()[0]?.headers['content-length'], String(Buffer.byteLength(body)));
    // The scripted server parses, so the answer's id is what a parser makes of it; ours come from the bytes.
    assert.match(answer, /"text":"done"/);
  });

  test('holds no credential and no header but those on the list', async () => {
    const { server, sidecar } = await start({ auth: tokens() });
    const session = await initialize(sidecar.url, as('alice'));
    const headers = {
      ...as('alice'),
      'x-mcp-auth': 'token-of-alice',
      'proxy-authorization': 'Basic eDp5',
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      forwarded: 'for=1.2.3.4',
      'x-api-key': 'k',
      origin: 'http://localhost:6274',
      'user-agent': 'agent',
      'mcp-session-id': session,
      'mcp-protocol-version': '2025-11-25',
      'mcp-param-region': 'eu',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    assert.equal((await post(sidecar.url, call('echo'), headers)).status, 200);
    const got = server.fromClients().at(-1);
    assert.deepEqual(got?.headers, {
      host: `localhost:${server.port}`,
      'content-type': 'application/json',
      accept: HEADERS.accept,
      'mcp-session-id': SESSION_ID,
      'mcp-protocol-version': '2025-11-25',
      traceparent: headers.traceparent,
      'content-length': String(Buffer.byteLength(JSON.stringify(call('echo')))),
    });
    assert.doesNotMatch(JSON.stringify(server.requests), /token-of|a=b|eDp5/);
  });

  test('holds the mirrored parameters of a modern request', async () => {
    const { server, sidecar } = await start();
    const message = { ...call('echo'), params: { name: 'echo', arguments: {}, _meta: MODERN_META } };
    const headers = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
      'mcp-param-region': 'eu',
    };
    await post(sidecar.url, message, { ...headers, cookie: 'a=b' });
    const { 'content-length': _, host: __, ...got } = server.fromClients().at(-1)?.headers ?? {};
    assert.deepEqual(got, { ...HEADERS, ...headers });
  });

  test('is nothing at all of what is refused', async () => {
    const { server, sidecar } = await start({ auth: tokens(), filter: { denyTools: ['secret'] } });
    const refused: [number, unknown, Record<string, string>][] = [
      [401, call('echo'), {}],
      [401, call('echo'), { authorization: 'Bearer wrong' }],
      [403, call('echo'), { ...as('alice'), origin: 'https://evil.example' }],
      [404, call('echo'), { ...as('alice'), 'mcp-session-id': 'made-up' }],
      [
        400,
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","Name":"secret"}}',
        as('alice'),
      ],
      [
        400,
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"secret"}}',
        as('alice'),
      ],
      [400, [call('echo')], as('alice')],
      [400, '{', as('alice')],
      [400, '{}', as('alice')],
      [400, { jsonrpc: '2.0', id: 1, method: 'tools/call' }, as('alice')],
      [400, { jsonrpc: '2.0', id: null, method: 'ping' }, as('alice')],
      [400, { jsonrpc: '1.0', id: 1, method: 'ping' }, as('alice')],
      [415, call('echo'), { ...as('alice'), 'content-type': 'text/plain' }],
      [415, call('echo'), { ...as('alice'), 'content-encoding': 'gzip' }],
      [413, 'x'.repeat(4 * 1024 * 1024 + 1), as('alice')],
      [200, call('secret'), as('alice')],
    ];
    for (const [status, message, headers] of refused) {
      const answer = await post(sidecar.url, message, headers);
      assert.equal(answer.status, status, answer.body);
      assert.equal(typeof JSON.parse(answer.body).error.code, 'number');
    }
    for (const method of ['PUT', 'PATCH', 'OPTIONS'])
      assert.equal((await fetch(sidecar.url, { method, headers: as('alice') })).status, 405, method);
    assert.deepEqual(server.fromClients(), []);
  });

  test('is what another path asks for only where it is the server’s own', async () => {
    const { server, sidecar } = await start({ upstreamPath: '/custom' });
    for (const [path, status] of [
      ['/mcp', 200],
      ['/custom', 200],
      ['/custom?x=1', 200],
      ['/', 404],
      ['/metrics', 404],
      ['/custom/../admin', 404],
    ] as const)
      assert.equal((await post(new URL(path, sidecar.url).href, call('echo'))).status, status, path);
    assert.deepEqual([...new Set(server.requests.map(({ url }) => url))], ['/custom']);
  });
});

describe('streams', () => {
  test('pass as they come: progress is with the client before the result exists', async () => {
    for (const filter of [undefined, { denyTools: ['secret'] }]) {
      const { server, sidecar } = await start(filter ? { filter } : {});
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      server.answers.set('tools/call', ({ message }, response) => {
        const send = startStream(response);
        send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
        void released.then(() => {
          send({ jsonrpc: '2.0', id: message?.id, result: { content: [] } });
          response.end();
        });
      });
      const response = await fetch(sidecar.url, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(call('echo')),
      });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      const first = await reader?.read();
      assert.match(first?.value ?? '', /notifications\/progress/);
      release();
      const second = await reader?.read();
      assert.match(second?.value ?? '', /"result"/);
      assert.equal((await reader?.read())?.done, true);
    }
  });

  test('of GET bring what the server sends, lists of tools filtered', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    let send: ((message: unknown) => void) | undefined;
    server.answers.set('GET', (_, response) => (send = startStream(response)));
    const session = await initialize(sidecar.url);
    const abort = new AbortController();
    const response = await fetch(sidecar.url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': session, 'last-event-id': 'e1' },
      signal: abort.signal,
    });
    assert.equal(response.status, 200);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.ok(send && reader);
    send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    assert.equal(
      (await reader.read()).value,
      'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n',
    );
    send({ jsonrpc: '2.0', id: 3, result: { tools: [tool('secret'), tool('echo')] } });
    const { value } = await reader.read();
    assert.deepEqual(JSON.parse((value ?? '').slice(6)).result.tools, [tool('echo')]);
    const got = server.fromClients().at(-1);
    assert.deepEqual(
      [got?.method, got?.headers['last-event-id'], got?.headers['mcp-session-id']],
      ['GET', 'e1', SESSION_ID],
    );
    abort.abort();
    await waitFor('the end at the server', () => got?.cut);
  });

  test('and calls end at the server when their client goes', async () => {
    const { server, sidecar } = await start();
    for (const begin of [false, true]) {
      server.answers.set('tools/call', (_, response) => void (begin && startStream(response)));
      const abort = new AbortController();
      const given = fetch(sidecar.url, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(call('echo')),
        signal: abort.signal,
      });
      given.catch(() => undefined);
      await waitFor('the call', () => server.fromClients().some((each) => !each.cut));
      if (begin) await given;
      abort.abort();
      await waitFor('the end of the call at the server', () => server.fromClients().at(-1)?.cut);
    }
    await waitFor('the audit lines', () => sidecar.audit.length === 2);
    assert.deepEqual(
      sidecar.audit.map((each) => each.outcome),
      ['failure', 'failure'],
    );
  });

  test('that the server breaks off are not made to look whole', async () => {
    const { server, sidecar } = await start();
    server.answers.set('tools/call', (_, response) => {
      startStream(response)({ jsonrpc: '2.0', method: 'notifications/progress' });
      setImmediate(() => response.destroy());
    });
    await assert.rejects(post(sidecar.url, call('echo')));
    server.answers.set('tools/call', (_, response) => void response.destroy());
    const { status, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 502);
    assert.match(body, /server tested, port \d+/);
  });

  test('larger than any buffer go through whole, both ways', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    const large = 'é'.repeat(1_500_000);
    server.answers.set('tools/call', (recorded, response) =>
      sendResult(recorded, response, {
        content: [
          { type: 'text', text: String(recorded.message?.params?.['arguments'] && recorded.body.length) },
          { type: 'text', text: large },
        ],
      }),
    );
    server.tools = [tool('secret'), { ...tool('echo'), description: large }];
    const message = call('echo', 1, { large });
    const { body } = await post(sidecar.url, message);
    const { content } = JSON.parse(body).result;
    assert.equal(content[0].text, String(JSON.stringify(message).length));
    assert.ok(content[1].text === large);
    const list = await post(sidecar.url, LIST);
    assert.ok(JSON.parse(list.body).result.tools[0].description === large);
  });
});

describe('sessions', () => {
  test('are good for their own principal alone', async () => {
    const { server, sidecar } = await start({ auth: tokens() });
    const session = await initialize(sidecar.url, as('alice'));
    const status = async (headers: Record<string, string>) => (await post(sidecar.url, LIST, headers)).status;
    assert.equal(await status({ ...as('alice'), 'mcp-session-id': session }), 200);
    assert.equal(await status({ ...as('bob'), 'mcp-session-id': session }), 404);
    assert.equal(await status({ 'mcp-session-id': session }), 401);
    const forged = session.slice(0, -2) + (session.endsWith('AA') ? 'BB' : 'AA');
    assert.equal(await status({ ...as('alice'), 'mcp-session-id': forged }), 404);
    assert.equal(await status({ ...as('alice'), 'mcp-session-id': SESSION_ID }), 404, 'the server’s own id');
    for (const method of ['GET', 'DELETE'])
      assert.equal(
        (await fetch(sidecar.url, { method, headers: { ...as('bob'), 'mcp-session-id': session } })).status,
        404,
        method,
      );
    assert.ok(server.fromClients().every((each) => each.method === 'POST'));
    const { body } = await post(sidecar.url, LIST, { ...as('bob'), 'mcp-session-id': session });
    assert.deepEqual(JSON.parse(body).error, { code: -32001, message: 'Session not found' });
  });

  test('are ended at the server by DELETE', async () => {
    const { server, sidecar } = await start();
    const session = await initialize(sidecar.url);
    const { status } = await fetch(sidecar.url, { method: 'DELETE', headers: { 'mcp-session-id': session } });
    assert.equal(status, 200);
    const got = server.fromClients().at(-1);
    assert.deepEqual([got?.method, got?.headers['mcp-session-id'], got?.body], ['DELETE', SESSION_ID, '']);
  });

  test('and callers of auth none are everyone', async () => {
    const { sidecar } = await start();
    const session = await initialize(sidecar.url, { authorization: 'Bearer whatever' });
    assert.equal((await post(sidecar.url, LIST, { 'mcp-session-id': session })).status, 200);
  });
});

describe('the filter', () => {
  test('gives the answer to a denied tool the bytes of the request’s id', async () => {
    const { sidecar } = await start({ filter: { allowTools: ['echo'] } });
    for (const id of ['12345678901234567890', '"\\u00e9"', '1.0']) {
      const { body } = await post(
        sidecar.url,
        `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"secret"}}`,
      );
      assert.equal(
        body,
        `{"jsonrpc":"2.0","id":${id},"error":{"code":-32602,"message":"Unknown tool: secret"}}`,
      );
    }
  });

  test('follows the server’s hints', async () => {
    const server = await startScriptedServer();
    stops.push(server.stop);
    server.tools = [tool('reads', { readOnlyHint: true }), tool('writes')];
    const sidecar = await startSidecar({ upstreamPort: server.port, filter: { mode: 'read-only' } });
    stops.push(sidecar.stop);
    await untilHealth(sidecar, 'healthy');
    const names = async () =>
      JSON.parse((await post(sidecar.url, LIST)).body).result.tools.map(
        (each: { name: string }) => each.name,
      );
    assert.deepEqual(await names(), ['reads']);
    assert.match((await post(sidecar.url, call('writes'))).body, /Unknown tool/);
    server.tools = [tool('reads'), tool('writes', { readOnlyHint: true })];
    assert.deepEqual(await names(), ['writes'], 'a list is judged by what it says itself');
  });

  test('asks the server, on the caller’s session, for a tool that its own list lacks', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['hidden-*'] } });
    const session = await initialize(sidecar.url);
    server.tools = [tool('late'), tool('hidden-late')];
    const asked = () =>
      server.requests.filter(
        ({ message, headers }) =>
          message?.method === 'tools/list' && headers['mcp-session-id'] === SESSION_ID,
      ).length;
    assert.match((await post(sidecar.url, call('late'), { 'mcp-session-id': session })).body, /"done"/);
    assert.equal(asked(), 1);
    assert.match(
      (await post(sidecar.url, call('hidden-late'), { 'mcp-session-id': session })).body,
      /Unknown tool/,
    );
    await post(sidecar.url, call('late'), { 'mcp-session-id': session });
    assert.equal(asked(), 2, 'once for each name');
    assert.equal(server.fromClients().filter(({ message }) => message?.method === 'tools/call').length, 2);
  });

  test('refuses while the tools are not known: 503, never a pass', async () => {
    const server = await startScriptedServer();
    stops.push(server.stop);
    let calls = 0;
    server.answers.set('tools/call', (recorded, response) => (calls++, sendResult(recorded, response, {})));
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await startSidecar({ upstreamPort: port, filter: { denyTools: ['secret'] } });
    stops.push(sidecar.stop);
    const { status, headers, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 503);
    assert.equal(headers.get('retry-after'), '2');
    assert.match(body, /the list of tools of the server is not loaded yet/);
    assert.equal(calls, 0);
  });

  test('does not let an unfiltered list out under another content type, nor one that is no JSON', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    const list = JSON.stringify({ jsonrpc: '2.0', id: 7, result: { tools: server.tools } });
    for (const [status, type, body] of [
      [200, 'text/plain', list],
      [202, 'application/json', list],
      [200, 'application/json', list.replace('7', 'NaN')],
      [200, 'application/json', `[${list}]`],
    ] as const) {
      server.answers.set(
        'tools/list',
        (_, response) => void response.writeHead(status, { 'content-type': type }).end(body),
      );
      assert.doesNotMatch((await post(sidecar.url, LIST)).body, /secret/, `${status} ${type} ${body}`);
    }
  });

  test('edits answers whose server gives the length of its event stream', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    server.answers.set('tools/list', ({ message }, response) => {
      const body = `data: ${JSON.stringify({ jsonrpc: '2.0', id: message?.id, result: { tools: server.tools } })}\n\n`;
      response
        .writeHead(200, { 'content-type': 'text/event-stream', 'content-length': body.length })
        .end(body);
    });
    const { body } = await post(sidecar.url, LIST);
    assert.deepEqual(JSON.parse(body.slice(6)).result.tools, [tool('echo')]);
  });
});

describe('a server that is away', () => {
  test('when the sidecar starts is waited for: the first call is answered', async () => {
    const [port] = (await freePorts(1)) as [number];
    const sidecar = await startSidecar({ upstreamPort: port });
    stops.push(sidecar.stop);
    const early = post(sidecar.url, call('echo'));
    await waitFor('a failed attempt', () => sidecar.events.some(({ event }) => event === 'server_degraded'));
    const server = await startScriptedServer(port);
    stops.push(server.stop);
    assert.equal((await early).status, 200);
    assert.equal(server.fromClients().length, 1, 'sent once');
  });

  test('later is told at once: 503 with the id of the request, and found again', async () => {
    const { server, sidecar } = await start({ filter: { denyTools: ['secret'] } });
    const { port } = server;
    await server.stop();
    stops.splice(stops.indexOf(server.stop), 1);
    const { status, headers, body } = await post(sidecar.url, call('echo', 'x'));
    assert.equal(status, 503);
    assert.equal(headers.get('retry-after'), '2');
    assert.match(
      body,
      new RegExp(
        `^{"jsonrpc":"2.0","id":"x","error":{"code":-32603,"message":"[^"]*server tested, port ${port}`,
      ),
    );
    await untilHealth(sidecar, 'degraded');
    const again = await startScriptedServer(port);
    stops.push(again.stop);
    await untilHealth(sidecar, 'healthy');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });
});

describe('the server’s answers', () => {
  test('pass with their status, and with the headers on the list alone', async () => {
    const { server, sidecar } = await start();
    server.answers.set('tools/call', (_, response) => {
      response.writeHead(429, {
        'content-type': 'application/json',
        'retry-after': '9',
        'set-cookie': 'a=b',
        'x-powered-by': 'x',
        'access-control-allow-origin': '*',
      });
      response.end('{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"slow down"}}');
    });
    const { status, headers, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 429);
    assert.equal(headers.get('retry-after'), '9');
    for (const name of ['set-cookie', 'x-powered-by', 'access-control-allow-origin'])
      assert.equal(headers.get(name), null, name);
    assert.match(body, /slow down/);
    server.answers.set('notifications/initialized', (_, response) => void response.writeHead(202).end());
    const accepted = await post(sidecar.url, { jsonrpc: '2.0', method: 'notifications/initialized' });
    assert.deepEqual([accepted.status, accepted.body], [202, '']);
  });

  test('of 204 carry no length', async () => {
    const { server, sidecar } = await start();
    server.answers.set('DELETE', (_, response) => void response.writeHead(204).end());
    const session = await initialize(sidecar.url);
    const { port, hostname } = new URL(sidecar.url);
    const headers = await new Promise((resolve, reject) => {
      const sent = request(
        {
          port,
          hostname,
          path: '/mcp',
          method: 'DELETE',
          agent: false,
          headers: { 'mcp-session-id': session },
        },
        (response) => {
          resolve([
            response.statusCode,
            response.headers['content-length'],
            response.headers['transfer-encoding'],
          ]);
          response.resume();
        },
      );
      sent.on('error', reject).end();
    });
    assert.deepEqual(headers, [204, undefined, undefined]);
  });

  test('that break HTTP are 502, and the sidecar goes on', async () => {
    const { server, sidecar } = await start();
    server.answers.set('tools/call', (_, response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi');
    });
    const { status, body } = await post(sidecar.url, call('echo'));
    assert.equal(status, 502);
    assert.match(body, /two Content-Length headers/);
    server.answers.delete('tools/call');
    assert.equal((await post(sidecar.url, call('echo'))).status, 200);
  });

  test('to initialize keep their body, and get a session id of ours', async () => {
    const { server, sidecar } = await start();
    server.answers.set('initialize', (_, response) =>
      sendJson(
        response,
        { jsonrpc: '2.0', id: 0, result: { protocolVersion: '2025-11-25' } },
        { 'mcp-session-id': SESSION_ID },
      ),
    );
    const { headers, body } = await post(sidecar.url, INITIALIZE);
    assert.equal(body, '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}');
    assert.notEqual(headers.get('mcp-session-id'), SESSION_ID);
  });
});
