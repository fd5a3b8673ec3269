import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, HEADERS, initialize, post } from './post.ts';
import { SESSION_ID } from './scripted-server.ts';
import { start, tokens, as, MODERN_META } from './proxied.ts';

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
    const { server, sidecar } = await start({}, 'modern');
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
      [400, [call('echo'), call('echo')], as('alice')],
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
