/** What Debian's registry does not do: token servers, wrong bytes, answers without end. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import type { Credentials } from '../../../plugin/registry/credentials.ts';
import { readEntryPoint } from '../../../plugin/registry/entry-point.ts';

async function listening(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const digestOf = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const config = JSON.stringify({ config: { Cmd: ['/server'] } });
const manifest = JSON.stringify({ config: { digest: digestOf(config) } });
const serve = (request: IncomingMessage, response: ServerResponse): void =>
  void response.end(request.url?.includes('/manifests/') ? manifest : config);

const read = (host: string, credentials?: Credentials) =>
  readEntryPoint(`${host}/team/x:1`, { plainHttp: true, credentials, otherwise: 'write it' });

/** A registry that takes tokens of the server at `/token` alone. */
const withTokens =
  (seen: string[], realm: (host: string) => string): RequestListener =>
  async (request, response) => {
    const { url = '', method, headers } = request;
    const host = headers.host ?? '';
    if (url.startsWith('/token')) {
      seen.push(`${method} ${url} ${headers.authorization ?? ''}${await text(request)}`.trim());
      return void response.end('{"access_token":"of-the-token-server"}');
    }
    if (headers.authorization === 'Bearer of-the-token-server') return serve(request, response);
    const challenge = `Bearer realm="${realm(host)}",service="tests",scope="repository:team/x:pull"`;
    return void response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
const here = (host: string): string => `http://${host}/token`;
const asked = 'service=tests&scope=repository%3Ateam%2Fx%3Apull';

test('a token is got once, by nobody, by a password or by a refresh token', async (t) => {
  const seen: string[] = [];
  const host = await listening(t, withTokens(seen, here));
  for (const credentials of [
    undefined,
    { username: 'me', password: 'pass', from: 'x' },
    { refreshToken: 'refresh', from: 'x' },
  ]) {
    assert.deepEqual((await read(host, credentials)).cmd, ['/server']);
  }
  assert.deepEqual(seen, [
    `GET /token?${asked}`,
    `GET /token?${asked} Basic ${Buffer.from('me:pass').toString('base64')}`,
    `POST /token grant_type=refresh_token&refresh_token=refresh&client_id=kubectl-mcp&${asked}`,
  ]);
});

test('a password is not sent to a token server that is none', async (t) => {
  for (const realm of ['file:///etc/passwd', 'nowhere']) {
    const seen: string[] = [];
    const host = await listening(
      t,
      withTokens(seen, () => realm),
    );
    await assert.rejects(read(host, { username: 'me', password: 'pass', from: 'x' }), /HTTP 401/);
    assert.deepEqual(seen, []);
  }
});

test('bytes that are not those of the digest are not read', async (t) => {
  const host = await listening(t, (request, response) => {
    if (request.url?.includes('/manifests/')) return void response.end(manifest);
    return void response.end(config.replace('/server', '/stolen'));
  });
  await assert.rejects(read(host), /its configuration is not what its digest sha256:[0-9a-f]{64} says/);
});

test('the credentials stay behind where a blob is elsewhere', async (t) => {
  const seen: (string | undefined)[] = [];
  const store = await listening(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end(config);
  });
  const host = await listening(t, (request, response) => {
    if (request.headers.authorization === undefined)
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    if (request.url?.includes('/manifests/')) return void response.end(manifest);
    return void response.writeHead(307, { location: `http://${store}/blob` }).end();
  });
  assert.deepEqual((await read(host, { username: 'me', password: 'pass', from: 'x' })).cmd, ['/server']);
  assert.deepEqual(seen, [undefined]);
});

for (const [title, answer, message] of [
  ['no JSON', 'hello', /its manifest is no JSON object/],
  ['an old form', '{"schemaVersion":1,"history":[]}', /which names no configuration\nwrite it/],
  ['five megabytes', ' '.repeat(5 * 1024 * 1024), /its manifest is larger than 4194304 bytes\nwrite it/],
] as const) {
  test(`${title} instead of a manifest is told`, async (t) => {
    const host = await listening(t, (_request, response) => void response.end(answer));
    await assert.rejects(read(host), message);
  });
}

test('words of a configuration that are none are told', async (t) => {
  const odd = JSON.stringify({ config: { Entrypoint: [1] } });
  const top = JSON.stringify({ config: { digest: digestOf(odd) } });
  const host = await listening(t, (request, response) => {
    response.end(request.url?.includes('/manifests/') ? top : odd);
  });
  await assert.rejects(read(host), /its configuration is not one of an image that can be started/);
});

test('a registry that wants a rest is told with what helps', async (t) => {
  const host = await listening(t, (_request, response) => void response.writeHead(429).end());
  await assert.rejects(read(host), /has had too many requests \(HTTP 429\)\nLog in, or wait/);
});
