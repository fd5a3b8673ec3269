/** Credentials that might be taken for others, and tokens of one caller that allow different things: on real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { cluster, key } from '../auth/ask-cluster.ts';
import { AUDIENCE, ISSUER, mintToken } from '../auth/fake-cluster.ts';
import { RESOURCE, startProvider, type TestProvider } from '../../rig/oidc-provider.ts';
import { startOAuth } from './oauth-world.ts';
import { call, initialize, post } from './post.ts';
import { as, LIST, start, tokens } from './proxied.ts';

let provider: TestProvider;
before(async () => (provider = await startProvider()));
after(() => provider.stop());

const CALLER = 'system:serviceaccount:ns:caller';
const nowS = (): number => Math.floor(Date.now() / 1000);
const claims = (more: object = {}) => ({
  iss: provider.issuer,
  aud: RESOURCE,
  sub: CALLER,
  exp: nowS() + 60,
  ...more,
});

const bearer = (token: string): string => `authorization: Bearer ${token}`;
const names = (body: string): string =>
  [...new Set([...body.matchAll(/"name":"(open|admin|hidden)"/g)].map(([, name]) => name))].join();

function everyKind(): NonNullable<Parameters<typeof start>[0]> {
  const kubernetes = {
    mode: 'kubernetes' as const,
    audience: AUDIENCE,
    allowPrincipals: ['ns/*'],
    directory: cluster.directory,
  };
  const oidc = { mode: 'oidc' as const, issuer: provider.issuer, audiences: [RESOURCE, AUDIENCE] };
  const token = tokens() as Exclude<ReturnType<typeof tokens>, undefined> & { mode: 'token' };
  return { auth: { mode: 'several', of: [kubernetes, oidc, token] }, apiServer: cluster.apiServer };
}

/** As it is written. @returns the status */
async function raw(port: number, lines: readonly string[], message: object): Promise<number> {
  const body = JSON.stringify(message);
  const socket = connect(port, '127.0.0.1');
  const head = [
    'POST /mcp HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    `content-length: ${Buffer.byteLength(body)}`,
    ...lines,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1]);
}

test('a credential is judged by the kind that its form names, and by no other', async () => {
  const { sidecar } = await start(everyKind());
  const ofCluster = await mintToken(key);
  const ofProvider = await provider.sign(claims());
  const alice = 'x-mcp-auth: token-of-alice';
  const rows: [lines: string[], status: number, user?: string][] = [
    [[bearer(ofCluster)], 200, CALLER],
    // A provider that says what Kubernetes says.
    [[bearer(ofProvider)], 200, `oidc:${CALLER}`],
    [[`Authorization: bEaReR   ${ofProvider}`], 200, `oidc:${CALLER}`],
    [[alice], 200, 'token:alice'],
    // The better one of two is not looked for.
    [[bearer(ofCluster), alice], 200, CALLER],
    [[bearer('token-of-bob'), alice], 200, 'token:bob'],
    [[bearer('guessed'), alice], 401],
    [[bearer(`${ofCluster.slice(0, -8)}AAAAAAAA`), alice], 401],
    [[`authorization: Bearer\t${ofCluster}`], 401],
    [['authorization: Basic eDp5'], 401],
    [['authorization:'], 401],
    // One's word, another's signature.
    [[bearer(await provider.sign(claims({ iss: ISSUER, aud: AUDIENCE })))], 401],
    [[bearer(await provider.sign(claims({ iss: ISSUER, aud: AUDIENCE }), { kid: key.kid }))], 401],
    [[bearer(await mintToken(key, { iss: provider.issuer }))], 401],
    [[bearer(await mintToken(key, { iss: provider.issuer }, { kid: provider.keys[0]!.kid }))], 401],
    [[bearer(await mintToken(key, { iss: [ISSUER] }))], 401],
    // Two readings.
    [[bearer(ofCluster), bearer(ofProvider)], 400],
    [[bearer(ofCluster), bearer(ofCluster)], 400],
    [[alice, 'X-Mcp-Auth: token-of-bob'], 400],
    [[bearer(ofCluster), 'mcp-user-assertion: a', 'Mcp-User-Assertion: b'], 400],
    [[bearer(ofProvider), 'mcp-user-assertion: a.b.c'], 403],
  ];
  for (const [lines, status] of rows)
    assert.equal(await raw(sidecar.listenPort, lines, LIST), status, lines.join(' | '));
  await sidecar.settled();
  assert.deepEqual(
    sidecar.audit.filter(({ outcome }) => outcome === 'success').map(({ subjects }) => subjects.user),
    rows.flatMap(([, status, user]) => (status === 200 ? [user] : [])),
  );
  const told = JSON.stringify([sidecar.audit, sidecar.events, await sidecar.health()]);
  for (const secret of [ofCluster, ofProvider, 'token-of-', 'guessed', 'eDp5'])
    assert.ok(!told.includes(secret), secret);
});

describe('two tokens of one caller', () => {
  test('that differ in scopes: on one session each request has what its own token allows', async () => {
    const { provider: own, sidecar, resource } = await startOAuth({ era: 'legacy' });
    const [more, less] = await Promise.all(
      ['mcp:tools mcp:admin', 'mcp:tools'].map(async (scope) => ({
        authorization: `Bearer ${await own.token({ resource, scope })}`,
      })),
    );
    const session = { 'mcp-session-id': await initialize(sidecar.url, more) };
    for (const [headers, listed, admin, hidden] of [
      [more!, 'open,admin,hidden', 200, 200],
      [less!, 'open,admin', 403, 200],
      [more!, 'open,admin,hidden', 200, 200],
      [less!, 'open,admin', 403, 200],
    ] as const) {
      const ask = (message: object) => post(sidecar.url, message, { ...headers, ...session });
      assert.equal(names((await ask(LIST)).body), listed);
      assert.equal((await ask(call('admin'))).status, admin);
      const answered = await ask(call('hidden'));
      assert.equal(answered.status, hidden);
      assert.equal(answered.body.includes('-32602'), headers === less);
    }
  });

  test('of two callers with one word for a name no session is the other’s', async () => {
    const { sidecar } = await start(everyKind());
    const ofCluster = { authorization: `Bearer ${await mintToken(key)}` };
    const ofProvider = { authorization: `Bearer ${await provider.sign(claims())}` };
    const session = { 'mcp-session-id': await initialize(sidecar.url, ofCluster) };
    assert.equal((await post(sidecar.url, LIST, { ...ofCluster, ...session })).status, 200);
    for (const other of [ofProvider, as('alice')])
      assert.equal((await post(sidecar.url, LIST, { ...other, ...session })).status, 404);
  });
});
