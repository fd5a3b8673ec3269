/** A server that wants a token of each request, and a provider that gives them out. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePorts } from '../../conformance/ports.ts';
import { SECRET } from '../../rig/oidc-configuration.ts';
import { startExchangingProvider, type ExchangingProvider } from '../../rig/token-exchange.ts';
import { startEverythingServer } from './everything-server.ts';
import { AUDIENCE, guard, type GuardedServer } from './guarded-server.ts';
import { postModern } from './modern-meta.ts';
import { call, initialize, post } from './post.ts';
import { stops } from './proxied.ts';
import { startScriptedServer } from './scripted-server.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';

const PROXY = 'https://proxy.example.com';
type Upstream = NonNullable<SidecarOptions['upstream']>;
type Token = NonNullable<Upstream['token']>;

let provider: ExchangingProvider;
let ports: { legacy: number; sse: number };
const ends: (() => unknown)[] = [];
before(async () => {
  const [legacy, sse] = (await freePorts(2)) as [number, number];
  ports = { legacy, sse };
  const [first, second] = await Promise.all([
    startEverythingServer(legacy),
    startEverythingServer(sse, 'sse'),
  ]);
  ends.push(first.kill, second.kill);
  provider = await startExchangingProvider();
});
after(async () => {
  for (const end of ends) await end();
  await provider.stop();
});

/** As the provider gives it to a client of the proxy. */
async function as(subject: string, claims: object = {}): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const token = await provider.sign({
    ...{ iss: provider.issuer, sub: subject, aud: PROXY, client_id: 'c', jti: `${subject}-${Math.random()}` },
    ...{ iat: now, exp: now + 600, ...claims },
  });
  return { authorization: `Bearer ${token}` };
}

function secret(files: Record<string, string> = { client_id: 'exchanger', client_secret: SECRET }) {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-token-'));
  const write = (name: string, content: string): void => {
    writeFileSync(join(directory, `.${name}`), content);
    renameSync(join(directory, `.${name}`), join(directory, name));
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  stops.push(() => rmSync(directory, { recursive: true }));
  return { client: { source: 'secret/client', directory }, write };
}

const tokenOf = (mode: Token['mode'], { client } = secret()): Token => ({
  mode,
  url: `${provider.issuer}/token`,
  client,
  audience: [AUDIENCE],
  resource: AUDIENCE,
  scope: 'mcp:tools',
});

async function behind(backend: number, token: Token, upstream: Upstream = {}) {
  const server = await guard(provider, backend, stops as (() => void)[]);
  const sidecar = await startSidecar({
    upstreamPort: server.port,
    upstream: { ...upstream, token },
    ...(upstream.transport === 'sse' ? { upstreamPath: '/sse' } : {}),
    auth: { mode: 'oidc', issuer: provider.issuer, audiences: [PROXY] },
  });
  stops.push(sidecar.stop);
  return { server, sidecar };
}

async function modernBackend(): Promise<number> {
  const scripted = await startScriptedServer(0, 'modern');
  stops.push(scripted.stop);
  return scripted.port;
}

async function callInSession({ url }: TestSidecar, who: string) {
  const headers = await as(who);
  const session = { ...headers, 'mcp-session-id': await initialize(url, headers) };
  const answer = await post(url, call('echo', 1, { message: who }), session);
  return { answer, session };
}
const callModern = async ({ url }: TestSidecar, who: string) =>
  postModern(url, 'tools/call', { name: 'echo', arguments: { message: who } }, { headers: await as(who) });

/** Each request came with the exchanged token of the caller who made it, and the proxy's own with its own. */
function isOwn(server: GuardedServer, ...callers: string[]): void {
  assert.deepEqual(server.crossed, []);
  assert.deepEqual(server.subjects('tools/call').toSorted(), callers.toSorted());
  const subjects = new Set(server.seen.map(({ subject }) => subject));
  assert.deepEqual([...subjects].toSorted(), [...callers, 'exchanger'].toSorted());
}

describe('with exchange the server gets a token of each caller’s own', () => {
  test('of a client and a server of the era of sessions', async () => {
    const { server, sidecar } = await behind(ports.legacy, tokenOf('exchange'));
    await untilHealth(sidecar, 'healthy');
    const [{ answer, session }] = await Promise.all([
      callInSession(sidecar, 'ann'),
      callInSession(sidecar, 'bob'),
    ]);
    assert.match(answer.body, /Echo: ann/);
    const asked = provider.exchanged.length;
    assert.equal((await post(sidecar.url, call('echo', 2, { message: 'ann' }), session)).status, 200);
    assert.equal(provider.exchanged.length, asked, 'exchanged again');
    assert.equal((await fetch(sidecar.url, { method: 'DELETE', headers: session })).status, 200);
    isOwn(server, 'ann', 'bob');
  });

  test('of a client of 2026-07-28 and a server of sessions', async () => {
    const { server, sidecar } = await behind(ports.legacy, tokenOf('exchange'));
    await untilHealth(sidecar, 'healthy');
    const answers = await Promise.all(['ann', 'bob', 'ann'].map((who) => callModern(sidecar, who)));
    assert.deepEqual(
      answers.map(({ last }) => last.result.content[0].text),
      ['Echo: ann', 'Echo: bob', 'Echo: ann'],
    );
    isOwn(server, 'ann', 'bob');
  });

  test('of clients of both eras and a server of 2026-07-28', async () => {
    const { server, sidecar } = await behind(await modernBackend(), tokenOf('exchange'));
    await untilHealth(sidecar, 'healthy');
    assert.equal((await callModern(sidecar, 'ann')).status, 200);
    assert.equal((await callInSession(sidecar, 'bob')).answer.status, 200);
    isOwn(server, 'ann', 'bob');
  });

  test('over HTTP+SSE, the stream and what is posted', async () => {
    const { server, sidecar } = await behind(ports.sse, tokenOf('exchange'), { transport: 'sse' });
    await untilHealth(sidecar, 'healthy');
    const [{ answer }, modern] = await Promise.all([
      callInSession(sidecar, 'ann'),
      callModern(sidecar, 'bob'),
    ]);
    assert.match(answer.body, /Echo: ann/);
    assert.match(modern.body, /Echo: bob/);
    isOwn(server, 'ann', 'bob');
    assert.deepEqual(server.subjects('GET').toSorted(), ['ann', 'bob', 'exchanger']);
  });
});
