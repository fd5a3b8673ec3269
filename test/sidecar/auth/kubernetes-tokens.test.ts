import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, mock, test } from 'node:test';
import { exportSPKI } from 'jose';
import type { Authenticator } from '../../../sidecar/auth/authenticator.ts';
import { createClusterIssuer } from '../../../sidecar/auth/cluster-issuer.ts';
import { createKubernetesTokens } from '../../../sidecar/auth/kubernetes-tokens.ts';
import type { Principal } from '../../../sidecar/principal.ts';
import { REASONS, refusalBody, type Refusal } from '../../../sidecar/reasons.ts';
import { waitFor } from '../wire/wait-for.ts';
import {
  AUDIENCE,
  createSigningKey,
  mintToken,
  startFakeCluster,
  type FakeCluster,
  type SigningKey,
} from './fake-cluster.ts';

let key: SigningKey;
let other: SigningKey;
let cluster: FakeCluster;
const authenticators: Authenticator[] = [];

before(async () => {
  [key, other] = await Promise.all([createSigningKey('k1'), createSigningKey('k2')]);
  cluster = await startFakeCluster([key]);
});
after(() => cluster.stop());
afterEach(() => {
  mock.timers.reset();
  for (const each of authenticators.splice(0)) each.close();
  Object.assign(cluster, { keys: [key.jwk], status: undefined });
});

/** @param ready waits for the keys */
async function start(
  allowPrincipals = ['ns/*'],
  ready = true,
  directory = cluster.directory,
): Promise<Authenticator> {
  const source = createClusterIssuer(cluster.apiServer, directory);
  const authenticator = createKubernetesTokens({ audience: AUDIENCE, allowPrincipals }, source);
  authenticators.push(authenticator);
  if (ready) await waitFor('the keys', () => authenticator.notReady() === undefined);
  return authenticator;
}

/** From here on the clock stands, until it is moved. */
function holdClock(): { forwardMs(ms: number): void } {
  let nowMs = Date.now();
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  return { forwardMs: (ms) => mock.timers.setTime((nowMs += ms)) };
}

const ask = async (by: Authenticator, authorization?: string): Promise<Principal | Refusal> =>
  by.authenticate(authorization === undefined ? {} : { authorization });

/** What the caller sees: status and words, or its name. */
function shown(verdict: Principal | Refusal): string {
  if (!('reason' in verdict)) return verdict.name;
  return `${REASONS[verdict.reason].status} ${JSON.parse(refusalBody(verdict)).error.message}`;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const INVALID = '401 the credentials are not valid: ';
const now = () => Math.floor(Date.now() / 1000);
const FOREIGN = '401 the credentials are not valid: not a token of this cluster';

const TABLE: readonly (readonly [string, () => string | Promise<string>, string])[] = [
  ['a token of this workload', () => mintToken(key), 'system:serviceaccount:ns:caller'],
  [
    'a token of several audiences',
    () => mintToken(key, { aud: ['x', AUDIENCE] }),
    'system:serviceaccount:ns:caller',
  ],
  [
    "another workload's audience",
    () => mintToken(key, { aud: ['https://other.ns.mcp.kubectl-mcp.dev'] }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    "the API server's audience",
    () => mintToken(key, { aud: ['https://kubernetes.default.svc.cluster.local'] }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    'no audience',
    () => mintToken(key, { aud: undefined }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    'an audience that begins alike',
    () => mintToken(key, { aud: [`${AUDIENCE}.example`] }),
    `${INVALID}the token's claim "aud" is not the one expected here`,
  ],
  [
    'another namespace',
    () => mintToken(key, { sub: 'system:serviceaccount:elsewhere:caller' }),
    '403 this caller may not use this server: service account elsewhere/caller is not among the callers allowed here (ns/*)',
  ],
  [
    'a namespace that begins alike',
    () => mintToken(key, { sub: 'system:serviceaccount:ns2:caller' }),
    '403 this caller may not use this server: service account ns2/caller is not among the callers allowed here (ns/*)',
  ],
  ['an expired token', () => mintToken(key, { exp: now() - 60 }), `${INVALID}the token has expired`],
  [
    'a token that never expires',
    () => mintToken(key, { exp: undefined }),
    `${INVALID}the token's claim "exp" is not the one expected here`,
  ],
  [
    'a token of tomorrow',
    () => mintToken(key, { nbf: now() + 86_400 }),
    `${INVALID}the token's claim "nbf" is not the one expected here`,
  ],
  [
    'another issuer',
    () => mintToken(key, { iss: 'https://other.example' }),
    `${INVALID}the token's claim "iss" is not the one expected here`,
  ],
  ['a user', () => mintToken(key, { sub: 'system:admin' }), `${INVALID}not the token of a service account`],
  [
    'a service account with more colons',
    () => mintToken(key, { sub: 'system:serviceaccount:ns:a:b' }),
    `${INVALID}not the token of a service account`,
  ],
  [
    'no subject',
    () => mintToken(key, { sub: undefined }),
    `${INVALID}the token's claim "sub" is not the one expected here`,
  ],
  [
    'an unsigned token',
    async () => unsigned(await mintToken(key), 'none'),
    `${INVALID}the token is not signed with an algorithm of the cluster`,
  ],
  [
    'an unsigned token, spelt otherwise',
    async () => unsigned(await mintToken(key), 'None'),
    `${INVALID}the token is not signed with an algorithm of the cluster`,
  ],
  [
    'HS256 with the public key',
    async () => hmacSigned(await mintToken(key)),
    `${INVALID}the token is not signed with an algorithm of the cluster`,
  ],
  [
    "another key under our key's name",
    () => mintToken({ ...other, kid: key.kid }),
    `${INVALID}the token's signature is not valid`,
  ],
  [
    'a changed claim',
    async () => forged(await mintToken(key)),
    `${INVALID}the token's signature is not valid`,
  ],
  [
    'an unknown key',
    () => mintToken(other),
    `${INVALID}the token is signed with a key that the cluster does not have`,
  ],
  [
    'a key in the header',
    () => mintToken(other, {}, { kid: undefined, jwk: other.jwk }),
    `${INVALID}the token's signature is not valid`,
  ],
  ['words', () => 'secret-words', FOREIGN],
  ['dots', () => '..', FOREIGN],
  ['no JSON', () => 'YQ.YQ.YQ', FOREIGN],
  ['a very long token', () => 'a'.repeat(8_193), `${INVALID}the token is too long`],
];

function unsigned(token: string, alg: string): string {
  return `${encode({ alg, kid: key.kid })}.${token.split('.')[1]}.`;
}

async function hmacSigned(token: string): Promise<string> {
  const content = `${encode({ alg: 'HS256', kid: key.kid })}.${token.split('.')[1]}`;
  return `${content}.${createHmac('sha256', await exportSPKI(key.publicKey))
    .update(content)
    .digest('base64url')}`;
}

function forged(token: string): string {
  const [header, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return `${header}.${encode({ ...claims, sub: 'system:serviceaccount:ns:admin' })}.${signature}`;
}

describe('auth: kubernetes', () => {
  for (const [name, mint, expected] of TABLE) {
    test(`answers ${name}`, async () => {
      const authenticator = await start();
      const token = await mint();
      const verdict = await ask(authenticator, `Bearer ${token}`);
      assert.equal(shown(verdict), expected);
      const again = await ask(authenticator, `bearer  ${token}`);
      assert.deepEqual(again, verdict, 'the second time');
      if ('reason' in verdict) {
        assert.ok(!JSON.stringify(verdict).includes(token), 'the token is told');
        const challenge = verdict.headers?.['www-authenticate'];
        assert.equal(
          challenge,
          expected.startsWith('401') ? 'Bearer realm="mcp", error="invalid_token"' : undefined,
        );
      }
    });
  }

  for (const [name, authorization] of Object.entries({
    nothing: undefined,
    'an empty token': 'Bearer ',
    'another scheme': 'Basic dXNlcjpwYXNz',
    'no scheme': 'token',
  })) {
    test(`asks for a token when given ${name}`, async () => {
      const verdict = await ask(await start(), authorization);
      assert.equal(shown(verdict), '401 authentication is required');
      assert.deepEqual('reason' in verdict && verdict.headers, { 'www-authenticate': 'Bearer realm="mcp"' });
    });
  }

  test('tells who calls', async () => {
    const verdict = (await ask(await start(), `Bearer ${await mintToken(key)}`)) as Principal;
    assert.deepEqual(
      { ...verdict, digest: '' },
      {
        kind: 'kubernetes',
        issuer: cluster.issuer,
        name: 'system:serviceaccount:ns:caller',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
        actors: [],
        digest: '',
      },
    );
  });

  test('allows the callers that allow-principals names and no others', async () => {
    const authenticator = await start(['*/deployer', 'other/*']);
    const verdict = async (sub: string) =>
      shown(
        await ask(authenticator, `Bearer ${await mintToken(key, { sub: `system:serviceaccount:${sub}` })}`),
      ).slice(0, 3);
    assert.deepEqual(
      await Promise.all(['ns:caller', 'ns:deployer', 'other:x', 'ns:deployer2'].map(verdict)),
      ['403', 'sys', 'sys', '403'],
    );
  });

  test('takes ECDSA keys too', async () => {
    const ec = await createSigningKey('ec', 'ES256');
    cluster.keys = [key.jwk, ec.jwk];
    assert.equal(
      shown(await ask(await start(), `Bearer ${await mintToken(ec)}`)),
      'system:serviceaccount:ns:caller',
    );
  });

  test('a token that was good once is not when it has expired', async () => {
    const clock = holdClock();
    const authenticator = await start();
    const token = `Bearer ${await mintToken(key, { exp: now() + 600 })}`;
    assert.equal(shown(await ask(authenticator, token)), 'system:serviceaccount:ns:caller');
    clock.forwardMs(700_000);
    assert.equal(shown(await ask(authenticator, token)), `${INVALID}the token has expired`);
  });
});

describe('the keys of the cluster', () => {
  test('an unknown key asks for them once, and a rotated key is then known', async () => {
    const clock = holdClock();
    const authenticator = await start();
    const token = `Bearer ${await mintToken(other)}`;
    const asked = cluster.asked();
    // Anyone can send an unknown key: right after they were read they are not read again.
    assert.match(shown(await ask(authenticator, token)), /a key that the cluster does not have/);
    assert.equal(cluster.asked(), asked);
    cluster.keys = [key.jwk, other.jwk];
    clock.forwardMs(6_000);
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => ask(authenticator, token)));
    for (const verdict of verdicts) assert.equal(shown(verdict), 'system:serviceaccount:ns:caller');
    assert.equal(cluster.asked(), asked + 1);
    assert.equal(
      shown(await ask(authenticator, `Bearer ${await mintToken(key)}`)),
      'system:serviceaccount:ns:caller',
    );
  });

  test('a token of a key that was taken back is refused, although it was good', async () => {
    const clock = holdClock();
    const authenticator = await start();
    const token = `Bearer ${await mintToken(key)}`;
    assert.equal(shown(await ask(authenticator, token)), 'system:serviceaccount:ns:caller');
    cluster.keys = [other.jwk];
    clock.forwardMs(6_000);
    assert.equal(
      shown(await ask(authenticator, `Bearer ${await mintToken(other)}`)),
      'system:serviceaccount:ns:caller',
    );
    assert.match(shown(await ask(authenticator, token)), /a key that the cluster does not have/);
  });

  test('that were read once stay in use while the API server is away', async () => {
    const clock = holdClock();
    const authenticator = await start();
    cluster.status = 500;
    clock.forwardMs(6_000);
    assert.match(shown(await ask(authenticator, `Bearer ${await mintToken(other)}`)), /^401/);
    assert.equal(
      shown(await ask(authenticator, `Bearer ${await mintToken(key)}`)),
      'system:serviceaccount:ns:caller',
    );
    assert.equal(authenticator.notReady(), undefined);
  });

  for (const [name, hinder, problem] of [
    ['the API server refuses', () => (cluster.status = 403), /answered 403/],
    ['the files are not there', () => undefined, /ENOENT/],
  ] as const) {
    test(`are not there yet when ${name}: 503, come again, and nothing of why`, async () => {
      hinder();
      const directory = name === 'the files are not there' ? '/nonexistent/kubectl-mcp' : cluster.directory;
      const authenticator = await start(['ns/*'], false, directory);
      const told = await waitFor('what is wrong', () =>
        problem.test(authenticator.notReady() ?? '') ? authenticator.notReady() : undefined,
      );
      assert.match(told, /^the keys of the cluster cannot be read: /);
      for (const authorization of [`Bearer ${await mintToken(key)}`, 'Bearer x']) {
        const verdict = await ask(authenticator, authorization);
        assert.equal(shown(verdict), '503 the keys that tokens are checked with are not loaded yet');
        assert.deepEqual('reason' in verdict && verdict.headers, { 'retry-after': '2' });
      }
      assert.equal(shown(await ask(authenticator)), '401 authentication is required');
    });
  }

  test('are read as soon as they can be', async () => {
    cluster.status = 503;
    const authenticator = await start(['ns/*'], false);
    await waitFor('the refusal', () => authenticator.notReady()?.includes('503'));
    cluster.status = undefined;
    await waitFor('the keys', () => authenticator.notReady() === undefined);
  });

  test('are not taken from a server of another CA', async () => {
    const stranger = await startFakeCluster([other]);
    try {
      const source = createClusterIssuer(stranger.apiServer, cluster.directory);
      const told = await waitFor('the refusal', () => source.problem());
      assert.match(told, /certificate/);
      assert.equal(source.current(), undefined);
      source.close();
    } finally {
      await stranger.stop();
    }
  });
});
