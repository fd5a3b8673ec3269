/** What clients of OAuth read of a sidecar before they have a token, and what they are told with one that is not enough. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { postModern } from './modern-meta.ts';
import { POLICY, startOAuth } from './oauth-world.ts';
import { call, initialize, post } from './post.ts';
import { start } from './proxied.ts';
import { untilAudit } from './start-sidecar.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const PUBLIC = 'https://tools.example.com/weather/mcp';
const METADATA = `resource_metadata="https://tools.example.com${WELL_KNOWN}/weather/mcp"`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** With any header, Host too. */
async function ask(port: number, path: string, { method = 'GET', headers = {} } = {}) {
  const asked = request({ host: '127.0.0.1', port, path, method, headers });
  asked.end();
  const [response] = await once(asked, 'response');
  return { status: response.statusCode as number, headers: response.headers, body: await text(response) };
}

async function raw(port: number, lines: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(lines.replaceAll('\n', '\r\n'));
  return text(socket);
}

describe('the metadata of a server', () => {
  test('is read by anybody, web pages too, at each path', async () => {
    const { provider, sidecar } = await startOAuth({ publicUrl: () => PUBLIC, upstreamPath: '/custom' });
    const expected = {
      resource: PUBLIC,
      authorization_servers: [provider.issuer],
      scopes_supported: ['mcp:tools'],
      bearer_methods_supported: ['header'],
      resource_name: 'tested',
    };
    const origin = { origin: 'https://app.example.com', 'mcp-protocol-version': '2026-07-28' };
    for (const path of ['', '/mcp', '/custom', '/sse', '/weather/mcp', '/mcp?x=1']) {
      const { status, headers, body } = await ask(sidecar.listenPort, WELL_KNOWN + path, { headers: origin });
      assert.equal(status, 200, path);
      assert.deepEqual(JSON.parse(body), expected);
      assert.deepEqual(
        [headers['content-type'], headers['access-control-allow-origin'], headers['cache-control']],
        ['application/json', '*', 'public, max-age=300'],
      );
    }
    for (const path of ['/', '/other', '/mcp/', '/../mcp', 's'])
      assert.equal((await ask(sidecar.listenPort, WELL_KNOWN + path)).status, 404, path);
    const { status, headers, body } = await ask(sidecar.listenPort, WELL_KNOWN, { method: 'HEAD' });
    assert.deepEqual([status, body], [200, '']);
    assert.equal(headers['content-length'], String(JSON.stringify(expected).length));
    const preflight = await ask(sidecar.listenPort, WELL_KNOWN, {
      method: 'OPTIONS',
      headers: { ...origin, 'access-control-request-method': 'GET' },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-methods'], 'GET, HEAD');
    assert.match(preflight.headers['access-control-allow-headers']!, /mcp-protocol-version/);
    const metrics = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    assert.match(metrics, /kubectl_mcp_oauth_metadata_total\{server="tested"\} 13\n/);
  });

  test('names the host that it is asked by where there is no public URL, if that is allowed', async () => {
    const { sidecar } = await startOAuth({
      publicUrl: () => undefined,
      edge: { allowedHosts: ['tools.example.com'] },
    });
    const resourceAt = async (host: string, path = '/mcp') => {
      const { status, body, headers } = await ask(sidecar.listenPort, WELL_KNOWN + path, {
        headers: { host },
      });
      if (status !== 200) return status;
      assert.equal(headers['cache-control'], 'no-store');
      return (JSON.parse(body) as { resource: string }).resource;
    };
    assert.equal(await resourceAt('tools.example.com'), 'http://tools.example.com/mcp');
    assert.equal(await resourceAt('LOCALHOST:7410', ''), 'http://localhost:7410');
    assert.equal(await resourceAt('evil.test'), 403);
    assert.equal(await resourceAt('evil.test'), 403);
    assert.equal(await resourceAt('localhost:99999'), 404);
    const { headers } = await post(sidecar.url, call('open'));
    assert.equal(
      headers.get('www-authenticate'),
      `Bearer realm="mcp", scope="mcp:tools", resource_metadata="http://127.0.0.1:${sidecar.listenPort}${WELL_KNOWN}/mcp"`,
    );
  });

  test('is given to no request that has two readings, and to none that is no GET', async () => {
    const { sidecar } = await startOAuth({ publicUrl: () => undefined });
    const { listenPort } = sidecar;
    const answered = async (lines: string) => (await raw(listenPort, lines)).split('\r\n', 1)[0];
    assert.equal(
      await answered(`GET ${WELL_KNOWN} HTTP/1.1\nHost: localhost\nHost: evil.test\nConnection: close\n\n`),
      'HTTP/1.1 400 Bad Request',
    );
    assert.equal(
      await answered(
        `GET ${WELL_KNOWN} HTTP/1.1\nHost: localhost\nContent-Length: 1\nConnection: close\n\nx`,
      ),
      'HTTP/1.1 400 Bad Request',
    );
    assert.equal(await answered(`GET ${WELL_KNOWN} HTTP/1.0\n\n`), 'HTTP/1.1 403 Forbidden');
    const { status, headers } = await ask(listenPort, WELL_KNOWN, { method: 'DELETE' });
    assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD, OPTIONS']);
  });

  test('is not there where no caller has a token of a provider', async () => {
    const { sidecar } = await start();
    const { status, body } = await ask(sidecar.listenPort, `${WELL_KNOWN}/mcp`);
    assert.equal(status, 404);
    assert.match(body, /no MCP endpoint at this path: this is \/mcp/);
    assert.equal((await ask(sidecar.listenPort, WELL_KNOWN, { method: 'POST' })).status, 404);
  });
});

for (const era of ['legacy', 'modern'] as const) {
  const send = (url: string, name: string, headers: Record<string, string>) =>
    era === 'modern'
      ? postModern(url, 'tools/call', { name, arguments: {} }, { headers })
      : post(url, call(name), headers);

  describe(`a caller of the era ${era}`, () => {
    test('is told where to get a token, what is wrong with one, and which scopes it lacks', async () => {
      const { provider, server, sidecar } = await startOAuth({ era, publicUrl: () => PUBLIC });
      const challengeOf = async (name: string, headers: Record<string, string> = {}) => {
        const answer = await send(sidecar.url, name, headers);
        return [answer.status, answer.headers.get('www-authenticate')];
      };
      assert.deepEqual(await challengeOf('open'), [
        401,
        `Bearer realm="mcp", scope="mcp:tools", ${METADATA}`,
      ]);
      const [status, invalid] = await challengeOf('open', bearer('a.b.c'));
      assert.equal(status, 401);
      assert.match(String(invalid), /error="invalid_token", error_description="[^"]+", scope="mcp:tools"/);
      assert.ok(String(invalid).endsWith(METADATA));

      const insufficient = (description: string, scope: string) => [
        403,
        `Bearer realm="mcp", error="insufficient_scope", error_description="${description}", scope="${scope}", ${METADATA}`,
      ];
      const other = bearer(await provider.token({ resource: PUBLIC, scope: 'mcp:admin' }));
      const [, required] = await challengeOf('open', other);
      assert.match(String(required), /error="insufficient_scope".*scope="mcp:tools"/);

      const own = bearer(await provider.token({ resource: PUBLIC, scope: 'mcp:tools' }));
      const session: Record<string, string> =
        era === 'legacy' ? { 'mcp-session-id': await initialize(sidecar.url, own) } : {};
      assert.deepEqual(
        await challengeOf('admin', { ...own, ...session }),
        insufficient('the token lacks a scope: mcp:admin', 'mcp:tools mcp:admin'),
      );
      const { body } = await send(sidecar.url, 'admin', { ...own, ...session });
      assert.deepEqual(JSON.parse(body), {
        jsonrpc: '2.0',
        id: 1,
        error: { code: -32600, message: 'the token lacks a scope: mcp:admin' },
      });
      assert.equal(server.fromClients().filter(({ message }) => message?.method === 'tools/call').length, 0);
      const record = await untilAudit(
        sidecar,
        ({ metadata }) => metadata.extra.rule === 'policy/tools.scopes',
      );
      assert.equal(record.outcome, 'denied');

      const unknown = await send(sidecar.url, 'absent', { ...own, ...session });
      const hidden = await send(sidecar.url, 'hidden', { ...own, ...session });
      assert.equal(hidden.status, 200);
      assert.equal(hidden.body.replaceAll('hidden', 'absent'), unknown.body);

      const more = bearer(await provider.token({ resource: PUBLIC, scope: 'mcp:tools mcp:admin' }));
      for (const name of ['admin', 'hidden', 'open'])
        assert.match((await send(sidecar.url, name, { ...more, ...session })).body, /"result"/, name);
    });
  });
}

describe('/health', () => {
  test('says that callers may see fewer tools than it counts, where scopes or rules tell them apart', async () => {
    const perCaller = async (policy: string) => {
      const { sidecar } = await startOAuth({ policy });
      return (await sidecar.health()).servers[0].per_caller as boolean | undefined;
    };
    assert.equal(await perCaller(POLICY), true);
    assert.equal(await perCaller(`version: 1\nrules: [{name: a, tools: ["*"], allow: 'true'}]`), true);
    assert.equal(await perCaller(`version: 1\nrules: [{name: a, prompts: ["*"], allow: 'true'}]`), undefined);
    assert.equal(await perCaller('version: 1\ntools: {deny: [a]}'), undefined);
  });
});

describe('a client of HTTP+SSE', () => {
  test('is told the same at its messages', async () => {
    const { sidecar } = await startOAuth({ publicUrl: () => 'https://tools.example.com' });
    const stream = await fetch(sidecar.url.replace('/mcp', '/sse'));
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value = '' } = await reader.read();
    const path = /data: (\S+)/.exec(value)![1]!;
    const { status, headers } = await post(new URL(path, sidecar.url).href, call('open'));
    assert.equal(status, 401);
    assert.match(
      headers.get('www-authenticate')!,
      /resource_metadata="https:\/\/tools\.example\.com\/\.well-known\/oauth-protected-resource"/,
    );
    await reader.cancel();
  });
});
