import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createAuthority, type Issued } from '../../certificates.ts';
import { startTlsFront } from '../../tls-front.ts';
import { call, initialize, post } from './post.ts';
import { stops } from './proxied.ts';
import { startScriptedServer, startStream } from './scripted-server.ts';
import { startSidecar, untilHealth, type SidecarOptions } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const [authority, other] = await Promise.all([createAuthority(), createAuthority()]);

function directoryOf(files: Record<string, string>): { source: string; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-ca-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  stops.push(() => rmSync(directory, { recursive: true }));
  return { source: 'secret/ca', directory };
}
const trusting = (ca: string) => ({ certificateAuthority: directoryOf({ 'ca.crt': ca }) });

async function start(
  pair: Issued,
  { tls, ...upstream }: SidecarOptions['upstream'] & object,
  options: Parameters<typeof startTlsFront>[2] = {},
) {
  const server = await startScriptedServer();
  stops.push(server.stop);
  const front = await startTlsFront(server.port, pair, options);
  stops.push(front.stop);
  const sidecar = await startSidecar({
    upstreamPort: front.port,
    upstream: { ...upstream, tls: tls ?? {} },
  });
  stops.push(sidecar.stop);
  return { server, front, sidecar };
}

describe('a server over TLS', () => {
  test('is asked for by its name, in HTTP/1.1, and kept connections are used again', async () => {
    const pair = await authority.issue(['localhost']);
    const { server, front, sidecar } = await start(pair, { tls: trusting(pair['ca.crt']) });
    await untilHealth(sidecar, 'healthy');
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    const before = front.handshakes.length;
    for (let id = 1; id < 6; id++) {
      const { status, body } = await post(sidecar.url, call('echo', id), session);
      assert.deepEqual([status, JSON.parse(body).id], [200, id]);
    }
    assert.ok(front.handshakes.length - before < 5, 'a handshake for each call');
    for (const each of front.handshakes)
      assert.deepEqual(each, { servername: 'localhost', alpn: 'http/1.1', version: 'TLSv1.3' });
    assert.ok(server.requests.every(({ headers }) => headers.host === `localhost:${front.port}`));
  });

  test('sends and gets what is larger than a TLS record, and streams as they come', async () => {
    const pair = await authority.issue(['localhost']);
    const { server, sidecar } = await start(pair, { tls: trusting(pair['ca.crt']) });
    await untilHealth(sidecar, 'healthy');
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    const long = 'é'.repeat(500_000);
    server.answers.set('tools/call', ({ message }, response) => {
      const write = startStream(response);
      write({ jsonrpc: '2.0', method: 'notifications/message', params: { data: long } });
      write({ jsonrpc: '2.0', id: message?.id, result: message?.params });
      response.end();
    });
    const { body } = await post(sidecar.url, call('echo', 1, { long }), session);
    const [first, last] = body
      .split('\n\n')
      .filter(Boolean)
      .map((each) => JSON.parse(each.replace('data: ', '')));
    assert.equal(first.params.data, long);
    assert.deepEqual(last.result, { name: 'echo', arguments: { long } });
  });

  test('that breaks off in its answer: the caller gets 502', async () => {
    const pair = await authority.issue(['localhost']);
    const { server, sidecar } = await start(pair, { tls: trusting(pair['ca.crt']) });
    await untilHealth(sidecar, 'healthy');
    const session = { 'mcp-session-id': await initialize(sidecar.url) };
    server.answers.set('tools/call', (_, response) => response.socket?.destroy());
    assert.equal((await post(sidecar.url, call('echo'), session)).status, 502);
  });

  for (const [title, make, words] of [
    [
      'has expired',
      () => authority.issue(['localhost'], { notAfterMs: Date.now() - 1_000 }),
      /its certificate has expired/,
    ],
    [
      'is for another name',
      () => authority.issue(['tools.example.com']),
      /its certificate is for another name \(DNS:tools\.example\.com\)/,
    ],
    ['is of another authority', () => other.issue(['localhost']), /authority that is not trusted here/],
  ] as const) {
    test(`whose certificate ${title} is not spoken to, and health says why`, async () => {
      const pair = await make();
      const { ca } = { ca: (await authority.issue(['a']))['ca.crt'] };
      const { server, sidecar } = await start(pair, { tls: trusting(ca) });
      await waitFor('the reason', async () => words.test((await sidecar.health()).servers[0].error));
      assert.equal(server.requests.length, 0);
    });

    test(`whose certificate ${title} is spoken to where that is said, with a warning`, async () => {
      const { sidecar } = await start(await make(), { tls: { insecureSkipVerify: true } });
      const { servers } = await untilHealth(sidecar, 'healthy');
      assert.match(servers[0].warnings.join(), /certificate of the server at localhost is not verified/);
      assert.ok(sidecar.events.some(({ event }) => event === 'check_switched_off'));
    });
  }

  test('is verified by the authorities of the machine where none is named', async () => {
    const { server, sidecar } = await start(await authority.issue(['localhost']), {});
    await waitFor('the reason', async () =>
      /authority that is not trusted here/.test((await sidecar.health()).servers[0].error),
    );
    assert.equal(server.requests.length, 0);
  });

  test('is not trusted while the file of authorities is broken', async () => {
    const pair = await authority.issue(['localhost']);
    const certificateAuthority = directoryOf({ 'ca.crt': 'nothing' });
    const { server, sidecar } = await start(pair, { tls: { certificateAuthority } });
    const { servers } = await untilHealth(sidecar, 'degraded');
    assert.deepEqual(servers[0].problems, ['Secret ca: ca.crt holds no certificate in PEM']);
    assert.equal(server.requests.length, 0);
  });

  test('of TLS 1.1 is not spoken to', async () => {
    const pair = await authority.issue(['localhost']);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { server, sidecar } = await start(pair, { tls: { insecureSkipVerify: true } }, old);
    await waitFor('the reason', async () =>
      /does not speak TLS 1\.2 or newer/.test((await sidecar.health()).servers[0].error),
    );
    assert.equal(server.requests.length, 0);
  });

  test('that is none is not spoken to in clear text', async () => {
    const server = await startScriptedServer();
    stops.push(server.stop);
    const sidecar = await startSidecar({ upstreamPort: server.port, upstream: { tls: {} } });
    stops.push(sidecar.stop);
    await waitFor('the reason', async () =>
      /it does not speak TLS[,)]/.test((await sidecar.health()).servers[0].error),
    );
    assert.equal(server.requests.length, 0);
  });
});
