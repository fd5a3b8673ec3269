/** Servers elsewhere, through a proxy that is not ours. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createProxy } from 'proxy';
import { createAuthority } from '../../certificates.ts';
import { startTlsFront } from '../../tls-front.ts';
import { call, initialize, post } from './post.ts';
import { stops } from './proxied.ts';
import { startScriptedServer, startStream } from './scripted-server.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';
import { waitFor } from './wait-for.ts';

const authority = await createAuthority();

async function startProxy(): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const http = createProxy(createServer())
    .prependListener('connect', ({ method, url }) => void asked.push(`${method} ${url}`))
    .prependListener('request', ({ method, url }) => void asked.push(`${method} ${url}`))
    .listen(0, '127.0.0.1');
  await once(http, 'listening');
  stops.push(() => http.close().closeAllConnections());
  return { port: (http.address() as AddressInfo).port, asked };
}

async function behind(
  proxy: { port: number },
  { port, tls }: { port: number; tls?: (SidecarOptions['upstream'] & object)['tls'] },
): Promise<TestSidecar> {
  const sidecar = await startSidecar({
    upstreamPort: port,
    upstream: {
      host: '127.0.0.1',
      proxy: { host: '127.0.0.1', port: proxy.port },
      ...(tls && { tls }),
    },
  });
  stops.push(sidecar.stop);
  return sidecar;
}

function trusted(ca: string) {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-ca-'));
  writeFileSync(join(directory, 'ca.crt'), ca);
  stops.push(() => rmSync(directory, { recursive: true }));
  return { certificateAuthority: { source: 'secret/ca', directory }, serverName: 'tools.example.com' };
}

describe('a server behind a proxy', () => {
  test('over https is reached through a tunnel, and asked for by the name that is written', async () => {
    const pair = await authority.issue(['tools.example.com']);
    const server = await startScriptedServer();
    const front = await startTlsFront(server.port, pair);
    stops.push(server.stop, front.stop);
    const proxy = await startProxy();
    const sidecar = await behind(proxy, { port: front.port, tls: trusted(pair['ca.crt']) });
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
    assert.equal(body.split(long).length, 3);
    assert.deepEqual([...new Set(proxy.asked)], [`CONNECT 127.0.0.1:${front.port}`]);
    assert.ok(front.handshakes.every(({ servername }) => servername === 'tools.example.com'));
  });

  test('over http is asked for by its whole address', async () => {
    const server = await startScriptedServer();
    stops.push(server.stop);
    const proxy = await startProxy();
    const sidecar = await behind(proxy, { port: server.port });
    await untilHealth(sidecar, 'healthy');
    await initialize(sidecar.url);
    assert.ok(proxy.asked.includes(`POST http://127.0.0.1:${server.port}/mcp`), proxy.asked.join());
    assert.ok(server.requests.every(({ url }) => url === '/mcp'));
  });

  test('that the proxy cannot reach, or a proxy that is none, is told with what it answered', async () => {
    const pair = await authority.issue(['tools.example.com']);
    const gone = await startScriptedServer();
    await gone.stop();
    const proxy = await startProxy();
    const sidecar = await behind(proxy, { port: gone.port, tls: trusted(pair['ca.crt']) });
    await waitFor('the reason', async () =>
      /the proxy answered 500/.test((await sidecar.health()).servers[0].error),
    );
    const server = await startScriptedServer();
    stops.push(server.stop);
    const other = await behind(server, { port: 443, tls: trusted(pair['ca.crt']) });
    await waitFor('the reason', async () =>
      /the proxy ended the connection/.test((await other.health()).servers[0].error),
    );
  });

  test('with a certificate that does not fit is not spoken to', async () => {
    const pair = await authority.issue(['other.example.com']);
    const server = await startScriptedServer();
    const front = await startTlsFront(server.port, pair);
    stops.push(server.stop, front.stop);
    const sidecar = await behind(await startProxy(), { port: front.port, tls: trusted(pair['ca.crt']) });
    await waitFor('the reason', async () =>
      /its certificate is for another name/.test((await sidecar.health()).servers[0].error),
    );
    assert.equal(server.requests.length, 0);
  });
});
