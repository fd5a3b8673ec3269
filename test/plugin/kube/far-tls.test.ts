import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer as createTcp } from 'node:net';
import { createServer } from 'node:https';
import { type TestContext, test } from 'node:test';
import { encrypted, type FarTls } from '../../../plugin/kube/far-tls.ts';
import { createAuthority } from '../../certificates.ts';

const authority = await createAuthority();
const issued = await authority.issue(['tools.demo.svc']);
const other = await createAuthority();

/** A plain client, our end of a port-forward, and a server that speaks TLS alone. */
async function ask(t: TestContext, tls: FarTls): Promise<string> {
  const names: (string | false | null)[] = [];
  const server = createServer({ cert: issued['tls.crt'], key: issued['tls.key'] }, (request, response) => {
    names.push((request.socket as unknown as { servername: string | false }).servername);
    response.end(`${request.url} for ${names.at(-1)}`);
  });
  const far = await listening(server);
  let failed: Error | undefined;
  const forward = createTcp((socket) => {
    socket.on('error', () => socket.destroy());
    const pipe = encrypted(socket, tls, (error) => (failed = error));
    const up = connect(far, '127.0.0.1').on('error', () => pipe.destroy());
    pipe.pipe(up).pipe(pipe);
  });
  const near = await listening(forward);
  t.after(() => {
    server.close();
    server.closeAllConnections();
    forward.close();
  });
  try {
    const response = await fetch(`http://127.0.0.1:${near}/hello`, { headers: { connection: 'close' } });
    return await response.text();
  } catch {
    return `failed: ${failed?.message}`;
  }
}

async function listening(server: { listen(port: number, host: string, done: () => void): unknown }) {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return ((server as unknown as { address(): AddressInfo }).address() as AddressInfo).port;
}

test('a plain client is led to a port that speaks TLS, under the first of the names', async (t) => {
  const answer = await ask(t, { ca: issued['ca.crt'], names: ['tools.demo.svc', 'tools'] });
  assert.equal(answer, '/hello for tools.demo.svc');
});

test('any of the names is enough', async (t) => {
  assert.match(await ask(t, { ca: issued['ca.crt'], names: ['tools', 'tools.demo.svc'] }), /^\/hello/);
});

test('the certificate itself may be what is trusted', async (t) => {
  assert.match(await ask(t, { ca: issued['tls.crt'], names: ['tools.demo.svc'] }), /^\/hello/);
});

test('another CA, another name and no CA are told, and no byte is sent', async (t) => {
  const { 'ca.crt': foreign } = await other.issue(['tools.demo.svc']);
  assert.match(
    await ask(t, { ca: foreign, names: ['tools.demo.svc'] }),
    /^failed: .*(signature|issuer|verify)/,
  );
  assert.match(await ask(t, { names: ['tools.demo.svc'] }), /^failed: .*(issuer|verify|self-signed)/);
  assert.equal(
    await ask(t, { ca: issued['ca.crt'], names: ['a', 'b'] }),
    'failed: it names DNS:tools.demo.svc, not a or b',
  );
});

test('insecure takes any', async (t) => {
  assert.match(await ask(t, { names: [], insecure: true }), /^\/hello/);
});
