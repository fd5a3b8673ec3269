import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { createAuthority, type Authority, type Issued } from '../../certificates.ts';
import { call, HEADERS } from '../wire/post.ts';
import { startScriptedServer, type ScriptedServer } from '../wire/scripted-server.ts';
import { startSidecar, untilHealth, type TestSidecar } from '../wire/start-sidecar.ts';
import { waitFor } from '../wire/wait-for.ts';

const NAME = 'tools.team-a.svc';
const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-tls-'));
let version = 0;
let authority: Authority;
let ca: string;
let server: ScriptedServer;
let sidecar: TestSidecar;

/** As the kubelet writes a Secret volume. */
function mount(files: Record<string, string>): void {
  const name = `..version-${version++}`;
  mkdirSync(join(directory, name));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(directory, name, file), content);
  symlinkSync(name, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
}
const pairOf = ({ 'tls.crt': cert, 'tls.key': key }: Issued) => ({ 'tls.crt': cert, 'tls.key': key });

async function issue(): Promise<Issued> {
  const issued = await authority.issue([NAME]);
  ca = issued['ca.crt'];
  return issued;
}

/** Serial number of the certificate that a new connection meets, or why there is none. */
function meet(options: object = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: sidecar.listenPort, ca, servername: NAME, ...options }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed'));
  });
}

function callTool(agent: Agent): Promise<{ status: number | undefined; body: string; serial: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        ca,
        servername: NAME,
        port: sidecar.listenPort,
        path: '/mcp',
        method: 'POST',
        headers: { ...HEADERS, host: NAME },
      },
      (response) => {
        const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
        text(response).then(
          (body) => resolve({ status: response.statusCode, body, serial: serialNumber }),
          reject,
        );
      },
    );
    sent.on('error', reject).end(JSON.stringify(call('echo')));
  });
}

before(async () => {
  authority = await createAuthority();
  await issue();
  mount({});
  server = await startScriptedServer();
  sidecar = await startSidecar({
    upstreamPort: server.port,
    edge: { tls: { source: 'secret/tools-tls', directory }, allowedHosts: [NAME] },
  });
});
after(async () => {
  await sidecar?.stop();
  await server?.stop();
  rmSync(directory, { recursive: true });
});

describe('TLS on the listen port', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let serial: string;
  after(() => agent.destroy());

  test('refuses everyone while there is no pair, and says so', async () => {
    assert.match(await meet(), /^(ERR_SSL|ECONNRESET)/);
    const health = await untilHealth(sidecar, 'degraded');
    assert.deepEqual(health.servers[0].problems, ['Secret tools-tls: tls.crt is not there']);
    assert.ok(sidecar.events.some(({ event }) => event === 'tls_problem'));
  });

  test('begins when the pair is there', async () => {
    mount(pairOf(await issue()));
    const health = await untilHealth(sidecar, 'healthy');
    assert.match(health.servers[0].tls_not_after, /^20\d\d-/);
    const answer = await callTool(agent);
    assert.equal(answer.status, 200, answer.body);
    serial = answer.serial;
    assert.equal(await meet(), serial);
    const metrics = await (await fetch(`${sidecar.adminUrl}/metrics`)).text();
    assert.match(metrics, /kubectl_mcp_tls_not_after_seconds\{server="tested"\} 1\d{9}/);
  });

  test('answers nothing to a client that speaks plainly', async () => {
    const bytes = await new Promise((resolve) => {
      let got = '';
      const socket = connectPlain(sidecar.listenPort);
      socket.on('data', (chunk) => (got += chunk)).on('error', () => undefined);
      socket.on('close', () => resolve(got)).write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    });
    assert.ok(!String(bytes).includes('HTTP/'), String(bytes));
  });

  test('is 1.2 at least', async () => {
    assert.match(await meet({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }), /^(ERR_|ECONNRESET|closed)/);
    assert.equal(await meet({ maxVersion: 'TLSv1.2' }), serial);
  });

  test('takes a renewed pair for new connections, and leaves the others alone', async () => {
    mount(pairOf(await issue()));
    await waitFor('the renewed pair', async () => (await meet()) !== serial);
    assert.equal((await callTool(agent)).serial, serial);
    serial = await meet();
  });

  test('keeps the last good pair when a half, broken or other one comes', async () => {
    const [good, other] = [await issue(), await authority.issue([NAME])];
    for (const [files, words] of [
      [{ ...pairOf(good), 'tls.key': other['tls.key'] }, 'tls.key is not the private key of tls.crt, in PEM'],
      [{ 'tls.crt': good['tls.crt'] }, 'tls.key is not there'],
      [{ ...pairOf(good), 'tls.crt': 'garbage' }, 'tls.crt is not a certificate in PEM'],
      [{ ...pairOf(good), 'tls.key': '' }, 'tls.key is empty'],
    ] as const) {
      mount(files);
      const health = await waitFor(words, async () => {
        const { servers, status } = await sidecar.health();
        return servers[0].problems?.[0] === `Secret tools-tls: ${words}` && status;
      });
      assert.equal(health, 'healthy');
      assert.equal(await meet(), serial);
    }
    mount(pairOf(good));
    await waitFor('the good pair', async () => (await meet()) !== serial);
    assert.equal((await sidecar.health()).servers[0].problems, undefined);
  });
});
