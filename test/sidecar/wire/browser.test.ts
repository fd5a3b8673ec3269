import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, post } from './post.ts';
import { as, LIST, start, tokens } from './proxied.ts';
import { startStream } from './scripted-server.ts';
import { connectV2 } from './sdk-clients.ts';
import { untilAudit } from './start-sidecar.ts';

const PAGE = 'https://app.example.com';
const edge = { allowedOrigins: [PAGE] };
const page = { origin: PAGE };

function assertReadable(headers: Headers): void {
  assert.equal(headers.get('access-control-allow-origin'), PAGE);
  assert.equal(headers.get('vary'), 'Origin');
  assert.match(headers.get('access-control-expose-headers') ?? '', /mcp-session-id/);
}

describe('a browser', () => {
  test('asks without credentials what a page may do, and nothing reaches the server', async () => {
    const { server, sidecar } = await start({ edge, auth: tokens()! });
    const preflight = (origin: string) =>
      fetch(sidecar.url, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
        },
      });
    const listed = await preflight(PAGE);
    assert.equal(listed.status, 204);
    assertReadable(listed.headers);
    for (const origin of ['https://evil.example', 'null', 'http://localhost:6274']) {
      const other = await preflight(origin);
      assert.equal(other.headers.get('access-control-allow-origin'), null);
      assert.equal(other.status, 403);
      assert.match(await other.text(), /allowed-origins/);
      const { metadata } = await untilAudit(sidecar, ({ target }) => target.method === 'OPTIONS');
      assert.equal(metadata.extra.rule, 'origin');
    }
    assert.equal(server.fromClients().length, 0);
  });

  test('may read every answer for a listed page, refusals too', async () => {
    const { server, sidecar } = await start({
      edge: { ...edge, limits: { streams: 1 } },
      auth: tokens()!,
    });
    const alice = { ...page, ...as('alice') };
    const refused = await post(sidecar.url, LIST, page);
    assert.equal(refused.status, 401);
    assertReadable(refused.headers);
    assert.match(refused.headers.get('access-control-expose-headers') ?? '', /www-authenticate/);
    const unknown = await post(sidecar.url, LIST, { ...alice, 'mcp-session-id': 'forged' });
    assert.equal(unknown.status, 404);
    assertReadable(unknown.headers);
    const answered = await post(sidecar.url, call('echo'), alice);
    assert.equal(answered.status, 200);
    assertReadable(answered.headers);
    server.answers.set('GET', (_, response) => void startStream(response));
    const controller = new AbortController();
    const stream = await fetch(sidecar.url, { headers: alice, signal: controller.signal });
    assert.equal(stream.status, 200);
    assertReadable(stream.headers);
    const crowded = await fetch(sidecar.url, { headers: alice });
    assert.equal(crowded.status, 503);
    assertReadable(crowded.headers);
    controller.abort();
  });

  test('is told nothing for a page that is not listed, and the call is refused before the token is looked at', async () => {
    const { sidecar } = await start({ edge, auth: tokens()! });
    const { status, headers, body } = await post(sidecar.url, LIST, { origin: 'https://evil.example' });
    assert.equal(status, 403);
    assert.match(body, /allowed-origins/);
    assert.equal(headers.get('access-control-allow-origin'), null);
  });

  test('works with the SDK’s client', async () => {
    const { sidecar } = await start({ edge });
    const client = await connectV2(sidecar.url, page);
    try {
      assert.deepEqual((await client.listTools()).toSorted(), ['echo', 'secret']);
    } finally {
      await client.close();
    }
  });
});

describe('checks that are switched off', () => {
  test('are told of at the start, in the details of health, and in each audit line', async () => {
    const { sidecar } = await start({ edge: { allowedHosts: ['*'], allowedOrigins: ['*'] } });
    const warnings = sidecar.events.filter(({ event }) => event === 'check_switched_off');
    assert.equal(warnings.length, 2);
    const { servers } = await sidecar.health();
    assert.match(servers[0].warnings.join(), /allowed-hosts is "\*".*allowed-origins is "\*"/);
    assert.equal((await post(sidecar.url, LIST, { origin: 'https://any.example' })).status, 200);
    await sidecar.settled();
    assert.equal(sidecar.audit.at(-1).metadata.extra.unchecked, 'host,origin');
  });
});
