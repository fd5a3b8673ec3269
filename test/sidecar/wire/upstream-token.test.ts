/** A server that wants a token of each request, and a provider that gives them out. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from '../../certificates.ts';
import { freePorts } from '../../conformance/ports.ts';
import { SECRET } from '../../rig/oidc-configuration.ts';
import { startExchangingProvider, type ExchangingProvider } from '../../rig/token-exchange.ts';
import { startTlsFront } from '../../tls-front.ts';
import { startEverythingServer } from './everything-server.ts';
import { AUDIENCE, guard, type GuardedServer } from './guarded-server.ts';
import { postModern } from './modern-meta.ts';
import { call, INITIALIZE, initialize, post } from './post.ts';
import { stops } from './proxied.ts';
import { startScriptedServer } from './scripted-server.ts';
import { waitFor } from './wait-for.ts';
import { startSidecar, untilHealth, type SidecarOptions, type TestSidecar } from './start-sidecar.ts';

const authority = await createAuthority();
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
  const times = { iat: now, exp: now + 600, jti: `${subject}-${Math.random()}` };
  const named = { iss: provider.issuer, sub: subject, aud: PROXY, client_id: 'c' };
  const token = await provider.sign({ ...named, ...times, ...claims });
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

describe('a token that cannot be had', () => {
  test('for a caller who is given none is that caller’s 403, and no other’s', async () => {
    const { server, sidecar } = await behind(await modernBackend(), tokenOf('exchange'));
    await untilHealth(sidecar, 'healthy');
    provider.refusedSubjects.add('eve');
    stops.push(() => void provider.refusedSubjects.delete('eve'));
    const refused = await callModern(sidecar, 'eve');
    assert.deepEqual(
      [refused.status, refused.last.error],
      [403, { code: -32600, message: 'this caller is given no credential for the server: server tested' }],
    );
    assert.equal((await callModern(sidecar, 'ann')).status, 200);
    isOwn(server, 'ann');
    await sidecar.settled();
    const [record] = sidecar.audit.filter(({ subjects }) => subjects.user === 'oidc:eve');
    assert.equal(record.outcome, 'denied');
    const told = sidecar.events.find(({ event }) => event === 'upstream_token_failed');
    assert.match(String(told?.['error']), /^http:\/\/127.*: invalid_grant \(.+\)$/);
    // One caller's refusal is no fault of the pod.
    assert.equal((await sidecar.health()).servers[0].problems, undefined);
  });

  test('of a proxy whose secret is wrong is a 502, until the Secret is mended', async () => {
    const files = secret({ client_id: 'exchanger', client_secret: 'wrong' });
    const { server, sidecar } = await behind(ports.legacy, tokenOf('exchange', files));
    await waitFor(
      'the answer',
      async () => (await post(sidecar.url, INITIALIZE, await as('ann'))).status === 502,
    );
    assert.equal(server.seen.length, 0);
    const { servers } = await sidecar.health();
    assert.match(servers[0].problems.join(), /no token for the server by .*: http:.*: invalid_client/);
    files.write('client_secret', `${SECRET}\n`);
    await untilHealth(sidecar, 'healthy');
    assert.equal((await callInSession(sidecar, 'ann')).answer.status, 200);
  });

  test('while nobody answers is a 503 with a time to come back; who has one goes on', async () => {
    const { server, sidecar } = await behind(await modernBackend(), tokenOf('exchange'));
    await untilHealth(sidecar, 'healthy');
    const ann = await as('ann');
    const ask = (headers: Record<string, string>) =>
      postModern(sidecar.url, 'tools/call', { name: 'echo', arguments: {} }, { headers });
    assert.equal((await ask(ann)).status, 200);
    const bob = await as('bob');
    await provider.stop();
    try {
      const answers = await Promise.all([ask(ann), ask(bob)]);
      assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers.get('retry-after')]),
        [
          [200, null],
          [503, '5'],
        ],
      );
      assert.match((await sidecar.health()).servers[0].problems.join(), /nothing listens/);
    } finally {
      await provider.start();
    }
    await waitFor('an answer', async () => (await ask(bob)).status === 200);
    isOwn(server, 'ann', 'bob');
  });

  test('stands in no log, and neither does any other', async () => {
    const { server, sidecar } = await behind(await modernBackend(), tokenOf('exchange'));
    await untilHealth(sidecar, 'healthy');
    provider.refusedSubjects.add('eve');
    const headers = await Promise.all(['ann', 'eve'].map((who) => as(who)));
    for (const each of headers)
      await postModern(sidecar.url, 'tools/call', { name: 'echo', arguments: {} }, { headers: each });
    provider.refusedSubjects.delete('eve');
    await sidecar.settled();
    const said = JSON.stringify([sidecar.audit, sidecar.events, await sidecar.health()]);
    const secrets = [
      ...server.seen.map(({ token }) => token),
      ...headers.map((each) => each['authorization']!.slice(7)),
      SECRET,
    ];
    for (const each of secrets) assert.ok(!said.includes(each.slice(-30)), 'a token was written');
  });
});

describe('with client-credentials', () => {
  test('all requests have the proxy’s own token, whoever calls', async () => {
    const { server, sidecar } = await behind(ports.legacy, tokenOf('client-credentials'));
    await untilHealth(sidecar, 'healthy');
    assert.equal((await callInSession(sidecar, 'ann')).answer.status, 200);
    assert.equal((await callModern(sidecar, 'bob')).status, 200);
    assert.deepEqual([...new Set(server.seen.map(({ subject }) => subject))], ['exchanger']);
    assert.equal(new Set(server.seen.map(({ token }) => token)).size, 1);
  });
});

describe('with caller', () => {
  test('the server gets what the caller has brought, over TLS, and the proxy asks with its own', async () => {
    const pair = await authority.issue(['localhost']);
    const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-ca-'));
    writeFileSync(join(directory, 'ca.crt'), pair['ca.crt']);
    stops.push(() => rmSync(directory, { recursive: true }));
    const server = await guard(provider, await modernBackend(), stops as (() => void)[]);
    const front = await startTlsFront(server.port, pair);
    stops.push(front.stop);
    const sidecar = await startSidecar({
      upstreamPort: front.port,
      upstream: {
        host: 'localhost',
        tls: { certificateAuthority: { source: 'secret/ca', directory } },
        token: tokenOf('caller'),
      },
      auth: { mode: 'oidc', issuer: provider.issuer, audiences: [PROXY] },
    });
    stops.push(sidecar.stop);
    await untilHealth(sidecar, 'healthy');
    const ann = await as('ann', { aud: [PROXY, AUDIENCE] });
    const params = { name: 'echo', arguments: { message: 'ann' } };
    assert.equal((await postModern(sidecar.url, 'tools/call', params, { headers: ann })).status, 200);
    isOwn(server, 'ann');
    const called = server.seen.find(({ method }) => method === 'tools/call');
    assert.equal(`Bearer ${called?.token}`, ann['authorization']);
    // Of one that is not for the server it says so, and the client's credentials are not blamed.
    assert.equal((await callModern(sidecar, 'bob')).status, 502);
  });
});

test('of two hundred callers at once no token crosses, sessions and all', async () => {
  const { server, sidecar } = await behind(ports.legacy, tokenOf('exchange'));
  await untilHealth(sidecar, 'healthy');
  const names = Array.from({ length: 200 }, (_, index) => `caller-${index}`);
  const answers = await Promise.all(
    names.flatMap((who, index) =>
      index % 2 === 0
        ? [callModern(sidecar, who), callModern(sidecar, who)]
        : [callInSession(sidecar, who).then(({ answer }) => answer)],
    ),
  );
  const statuses = Map.groupBy(answers, ({ status }) => status);
  assert.deepEqual(
    [...statuses.keys()],
    [200],
    JSON.stringify([...statuses].map(([status, { length, [0]: first }]) => [status, length, first?.body])),
  );
  isOwn(server, ...names);
  const asked = Map.groupBy(
    provider.exchanged.filter((each) => each.startsWith('caller-')),
    (each) => each,
  );
  assert.equal(asked.size, names.length);
});
