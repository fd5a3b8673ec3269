import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createOutbound } from '../../../sidecar/outbound/outbound.ts';
import type { OutboundConfig } from '../../../sidecar/outbound/outbound-config.ts';
import { OutboundError } from '../../../sidecar/outbound/outbound-error.ts';
import { createAuthority, type Authority } from '../../certificates.ts';
import { waitFor } from '../wire/wait-for.ts';

const stops: (() => void)[] = [];
after(() => stops.forEach((stop) => stop()));

const authority = await createAuthority();
const trusted = (await authority.issue(['any']))['ca.crt'];

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

async function https(of: Authority, names: string[], handle: RequestListener): Promise<number> {
  const pair = await of.issue(names);
  return listen(createHttps({ cert: pair['tls.crt'], key: pair['tls.key'] }, handle));
}

function mounted(ca: string) {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-outbound-'));
  stops.push(() => rmSync(directory, { recursive: true }));
  const write = (text: string): void => {
    writeFileSync(join(directory, '.new'), text);
    renameSync(join(directory, '.new'), join(directory, 'ca.crt'));
  };
  write(ca);
  return { authorities: { source: 'configmap/ca', directory }, write };
}

async function outbound(config: OutboundConfig = {}) {
  const made = await createOutbound(config, () => undefined);
  stops.push(made.close);
  return made;
}

/** What went through it, and where everything ends. */
async function startProxy(to: number, status = 200) {
  const asked: string[] = [];
  const server = createHttp((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('from the proxy');
  }).on('connect', ({ url }, socket) => {
    asked.push(`CONNECT ${url}`);
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const there = connect(to, '127.0.0.1');
    there.on('error', () => socket.destroy()).pipe(socket);
    socket.on('error', () => there.destroy()).pipe(there);
  });
  return { port: await listen(server), asked };
}

const refusal = async (answer: Promise<unknown>): Promise<string> => {
  const error = await answer.then(
    () => assert.fail('was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof OutboundError, String(error));
  return error.message;
};

describe('a request of the sidecar', () => {
  test('has an answer with its status, headers and bytes', async () => {
    const port = await listen(
      createHttp(async (request, response) => {
        const body = await request.toArray();
        response.writeHead(418, { 'x-was': `${request.method} ${request.headers['x-is']}` });
        response.end(Buffer.concat(body));
      }),
    );
    const answer = await (
      await outbound()
    ).request({
      url: `http://127.0.0.1:${port}/a?b`,
      method: 'POST',
      headers: { 'x-is': 'it' },
      body: 'päyload',
    });
    assert.equal(answer.status, 418);
    assert.equal(answer.headers['x-was'], 'POST it');
    assert.equal(answer.body.toString(), 'päyload');
  });

  test('is led nowhere else', async () => {
    let others = 0;
    const other = await listen(createHttp((_, response) => void (others++, response.end())));
    const port = await listen(
      createHttp(
        (_, response) => void response.writeHead(307, { location: `http://127.0.0.1:${other}/` }).end(),
      ),
    );
    const { status } = await (await outbound()).request({ url: `http://127.0.0.1:${port}/` });
    assert.deepEqual([status, others], [307, 0]);
  });

  test('ends when its time is over or the answer is too large', async () => {
    const port = await listen(
      createHttp((request, response) => {
        if (request.url === '/large') response.end(Buffer.alloc(2_000));
        else response.write('a');
      }),
    );
    const { request } = await outbound();
    const origin = `http://127.0.0.1:${port}`;
    assert.equal(
      await refusal(request({ url: `${origin}/slow?secret`, timeoutMs: 200 })),
      `${origin}: no answer within 0.2 s`,
    );
    assert.equal(
      await refusal(request({ url: `${origin}/large`, maxBytes: 1_000 })),
      `${origin}: the answer is over 1000 bytes`,
    );
  });

  test('says what is in the way and nothing that it carries', async () => {
    const { request } = await outbound();
    const words = await refusal(
      request({
        url: 'http://127.0.0.1:1/path?secret',
        headers: { authorization: 'Bearer secret' },
        body: 'secret',
      }),
    );
    assert.equal(words, 'http://127.0.0.1:1: nothing listens');
    assert.equal(await refusal(request({ url: 'file:///etc/passwd' })), 'a URL: is none of http or https');
  });

  test('uses a connection again, and a further one where the server has closed it', async () => {
    let connections = 0;
    const server = createHttp((_, response) => void response.end()).on(
      'connection',
      () => void connections++,
    );
    const url = `http://127.0.0.1:${await listen(server)}/`;
    const { request } = await outbound();
    await request({ url });
    await request({ url });
    assert.equal(connections, 1);
    // Closed below the next request: nobody has told the client yet.
    server.closeAllConnections();
    assert.equal((await request({ url, method: 'POST', body: 'x' })).status, 200);
    assert.equal(connections, 2);
  });

  test('trusts the authorities of the bundle besides those of the machine, as they are now', async () => {
    const port = await https(authority, ['localhost'], (_, response) => void response.end('yes'));
    const url = `https://localhost:${port}/`;
    assert.equal(
      await refusal((await outbound()).request({ url })),
      `https://localhost:${port}: its certificate is of an authority that is not trusted here`,
    );
    const bundle = mounted(trusted);
    const { request, problem } = await outbound(bundle);
    assert.equal((await request({ url })).body.toString(), 'yes');
    bundle.write('no certificate');
    await waitFor('a problem', () => problem());
    assert.equal(problem(), 'ConfigMap ca: ca.crt holds no certificate in PEM');
    assert.equal((await request({ url })).status, 200);
    bundle.write((await (await createAuthority()).issue(['any']))['ca.crt']);
    await waitFor('no problem', () => problem() === undefined);
    assert.match(await refusal(request({ url })), /authority that is not trusted/);
  });

  test('must have the name of the server in its certificate', async () => {
    const port = await https(authority, ['other.example.com'], (_, response) => void response.end());
    const { request } = await outbound(mounted(trusted));
    assert.match(await refusal(request({ url: `https://localhost:${port}/` })), /is for another name/);
  });
});

describe('a request of the sidecar through a proxy', () => {
  test('is a tunnel for https, verified by the name that was asked for', async () => {
    const port = await https(
      authority,
      ['idp.example.com'],
      ({ headers }, response) => void response.end(headers.host),
    );
    const proxy = await startProxy(port);
    const through = { host: '127.0.0.1', port: proxy.port };
    const { request } = await outbound({ ...mounted(trusted), proxy: { https: through } });
    const ask = () => request({ url: 'https://idp.example.com/keys' });
    assert.equal((await ask()).body.toString(), 'idp.example.com');
    await ask();
    assert.deepEqual(proxy.asked, ['CONNECT idp.example.com:443']);
    assert.match(
      await refusal(request({ url: 'https://else.example.com/' })),
      /is for another name.*through the proxy/,
    );
  });

  test('names the whole URL in clear text', async () => {
    const proxy = await startProxy(1);
    const { request } = await outbound({ proxy: { http: { host: '127.0.0.1', port: proxy.port } } });
    const answer = await request({ url: 'http://idp.example.com/keys?a' });
    assert.equal(answer.body.toString(), 'from the proxy');
    assert.deepEqual(proxy.asked, ['GET http://idp.example.com/keys?a']);
  });

  test('goes past it where that is excepted', async () => {
    const proxy = await startProxy(1);
    const port = await listen(createHttp((_, response) => void response.end('direct')));
    const through = { host: '127.0.0.1', port: proxy.port };
    const { request } = await outbound({
      proxy: { http: through, https: through, except: '10.0.0.0/8,.svc' },
    });
    assert.equal((await request({ url: `http://127.0.0.1:${port}/` })).body.toString(), 'direct');
    assert.match(
      await refusal(request({ url: 'http://idp.test.svc/', timeoutMs: 3_000 })),
      /^http:\/\/idp\.test\.svc: (?!.*proxy)/,
    );
    assert.deepEqual(proxy.asked, []);
  });

  test('says that it was the proxy', async () => {
    const proxy = await startProxy(1, 403);
    const at = `127.0.0.1:${proxy.port}`;
    const refusing = await outbound({ proxy: { https: { host: '127.0.0.1', port: proxy.port } } });
    assert.equal(
      await refusal(refusing.request({ url: 'https://idp.example.com/' })),
      `https://idp.example.com: the proxy http://${at} answered 403`,
    );
    const away = await outbound({ proxy: { https: { host: '127.0.0.1', port: 1 } } });
    assert.equal(
      await refusal(away.request({ url: 'https://idp.example.com/' })),
      'https://idp.example.com: nothing listens (through the proxy http://127.0.0.1:1)',
    );
  });
});
