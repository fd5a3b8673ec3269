import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createAdminServer } from '../../sidecar/admin.ts';
import type { RelayedProbe } from '../../sidecar/loopback-config.ts';
import { createProbeRelay } from '../../sidecar/probe-relay.ts';
import { createAuthority } from '../certificates.ts';

const probes: Record<string, RelayedProbe> = {};
const open: Server[] = [];
const asked: IncomingMessage[] = [];
const silent = Promise.withResolvers<IncomingMessage>();

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  open.push(server);
  return (server.address() as AddressInfo).port;
}

const answers = (request: IncomingMessage): [number, Record<string, string>] => {
  asked.push(request);
  if (request.url === '/endless') return [307, { location: '/endless' }];
  const status = Number(/\d{3}/.exec(request.url ?? '')?.[0] ?? 200);
  const location = new URLSearchParams(request.url?.split('?')[1]).get('to');
  return [status, location === null ? {} : { location }];
};

const handler: RequestListener = (request, response) => {
  if (request.url === '/silent') return silent.resolve(request);
  response.writeHead(...answers(request)).end('what the server says');
};

let url = '';
let port = 0;
before(async () => {
  port = await listening(createServer(handler));
  const six = await listening(createServer(handler), '::1');
  const { 'tls.crt': cert, 'tls.key': key } = await (await createAuthority()).issue(['other.test']);
  const tls = await listening(createTlsServer({ cert, key }, handler) as unknown as Server);
  const gone = createServer();
  const closed = await listening(gone);
  gone.close();
  const httpGet = (path: string, more: object = {}): RelayedProbe => ({
    port,
    httpGet: { path, port: 'mcp', ...more },
  });
  Object.assign(probes, {
    'a/liveness': httpGet('/ok?full', {
      httpHeaders: [
        { name: 'X-Probe', value: 'yes' },
        { name: 'Host', value: 'server.test' },
      ],
    }),
    'a/readiness': httpGet('not-ready-503'),
    'a/startup': httpGet('/302?to=/204'),
    'b/liveness': httpGet('/302?to=https://other.test/'),
    'b/readiness': httpGet('/302?to=/302'),
    'c/startup': httpGet('/endless'),
    'c/liveness': httpGet('/silent'),
    'b/startup': { port: tls, httpGet: { port: tls, scheme: 'HTTPS' } },
    'd/readiness': { port, tcpSocket: { port } },
    'd/liveness': { port: closed, tcpSocket: { port: closed } },
    'd/startup': { port: closed, httpGet: { port: closed } },
    'e/startup': { port: six, tcpSocket: { port: six } },
    'e/liveness': { port: six, httpGet: { port: six } },
  });
  const admin = createAdminServer({
    drainPath: '/drain/abcdefghijklmnop',
    draining: () => false,
    drain: () => Promise.resolve({ callsLeft: 0 }),
    healthStatus: () => 'healthy',
    healthDetails: () => ({}),
    definitions: () => Promise.resolve({ servers: [] }),
    metrics: () => '',
    probe: createProbeRelay(probes),
  });
  url = `http://127.0.0.1:${await listening(admin)}/probe/`;
});
after(() => {
  for (const each of open) {
    each.closeAllConnections();
    each.close();
  }
});

const ask = async (key: string): Promise<string> => {
  const response = await fetch(url + key, {
    headers: { 'user-agent': 'kube-probe/1.34' },
    redirect: 'manual',
  });
  return `${response.status} ${(await response.text()).trim()}`;
};

describe('what the kubelet asks a server on the loopback', () => {
  test('is asked there, with the headers of the probe, and the status alone comes back', async () => {
    assert.equal(await ask('a/liveness'), '200 the server answered 200');
    const { url: path, headers, method } = asked.at(-1)!;
    assert.deepEqual(
      [method, path, headers['x-probe'], headers.host],
      ['GET', '/ok?full', 'yes', 'server.test'],
    );
    assert.equal(headers['user-agent'], 'kube-probe/1.34');
    assert.equal(await ask('a/readiness'), '503 the server answered 503');
    assert.equal(asked.at(-1)!.url, '/not-ready-503');
    assert.equal(asked.at(-1)!.headers.host, `127.0.0.1:${port}`);
  });

  test('follows redirects on the same server, as the kubelet does, and not for ever', async () => {
    assert.equal(await ask('a/startup'), '204 ');
    assert.equal(await ask('b/liveness'), '302 the server answered 302');
    assert.equal(await ask('b/readiness'), '302 the server answered 302');
    assert.equal(await ask('c/startup'), '307 the server answered 307');
    assert.equal(asked.filter((each) => each.url === '/endless').length, 11);
  });

  test('takes any certificate', async () => assert.match(await ask('b/startup'), /^200/));

  test('is a connection where that was the probe; one that is refused is no success', async () => {
    assert.equal(await ask('d/readiness'), '200 connected');
    assert.match(await ask('d/liveness'), /^502 port \d+ on the loopback: ECONNREFUSED$/);
    assert.match(await ask('d/startup'), /^502 .*ECONNREFUSED$/);
  });

  test('finds a server that listens on ::1', async () => {
    assert.equal(await ask('e/startup'), '200 connected');
    assert.match(await ask('e/liveness'), /^200/);
  });

  test('ends when the kubelet waits no longer', async () => {
    const gone = new AbortController();
    const answer = fetch(`${url}c/liveness`, { signal: gone.signal }).catch((error: Error) => error.name);
    const { socket } = await silent.promise;
    gone.abort();
    await once(socket, 'close');
    assert.equal(await answer, 'AbortError');
  });

  test('is nothing but what the webhook wrote down', async () => {
    for (const key of ['', 'a', 'a/preStop', 'a/liveness/', '__proto__', 'constructor'])
      assert.match(await ask(key), /^404/, key);
  });
});
