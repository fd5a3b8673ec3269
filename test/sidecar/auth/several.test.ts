import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { authConfig } from '../../../sidecar/auth/auth-config.ts';
import type { KindAuthenticator } from '../../../sidecar/auth/authenticator.ts';
import { createClusterIssuer } from '../../../sidecar/auth/cluster-issuer.ts';
import { credentialOf } from '../../../sidecar/auth/credential.ts';
import { createKubernetesTokens } from '../../../sidecar/auth/kubernetes-tokens.ts';
import { createSeveral } from '../../../sidecar/auth/several.ts';
import { createStaticTokens } from '../../../sidecar/auth/static-tokens.ts';
import { formatToken } from '../../../sidecar/auth/token-format.ts';
import { ANONYMOUS, principal } from '../../../sidecar/principal.ts';
import { waitFor } from '../wire/wait-for.ts';
import { authenticators, cluster, key, shown } from './ask-cluster.ts';
import { AUDIENCE, mintToken } from './fake-cluster.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-test-'));
after(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, 'ci'), 'a-static-token');

const withCertificate = {};

/** Takes what no other kind does, and says so. */
const certificates: KindAuthenticator = {
  kind: 'mtls',
  recognises: ({ form }, connection) =>
    form === 'certificate' && connection === withCertificate ? 'yes' : 'no',
  authenticate: () => principal({ kind: 'mtls', issuer: '', name: 'mtls:x', groups: [], actors: [] }),
  holds: () => true,
  notReady: () => undefined,
  close: () => undefined,
};

async function both({ ready = true } = {}) {
  const source = createClusterIssuer(
    ready ? cluster.apiServer : { host: 'localhost', port: 1 },
    cluster.directory,
  );
  const kubernetes = createKubernetesTokens({ audience: AUDIENCE, allowPrincipals: ['ns/*'] }, source);
  const tokens = await createStaticTokens(
    { source: 'secret/callers', directory },
    { log: () => undefined, revoked: () => undefined },
  );
  const several = createSeveral([kubernetes, tokens, certificates]);
  authenticators.push(several);
  if (ready) await waitFor('the keys', () => kubernetes.notReady() === undefined);
  return several;
}

const ask = async (by: Awaited<ReturnType<typeof both>>, headers: Record<string, string>, connection = {}) =>
  shown(await by.authenticate(headers, connection));
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const jwt = (payload: object) =>
  ['{"alg":"none"}', JSON.stringify(payload), '']
    .map((each) => Buffer.from(each).toString('base64url'))
    .join('.');

describe('several kinds of credentials', () => {
  test('the form of a credential says which kind judges it', async () => {
    const several = await both();
    assert.equal(await ask(several, bearer(await mintToken(key))), 'system:serviceaccount:ns:caller');
    assert.equal(await ask(several, bearer('a-static-token')), 'token:ci');
    assert.equal(await ask(several, { 'x-mcp-auth': 'a-static-token' }), 'token:ci');
    assert.equal(await ask(several, {}, withCertificate), 'mtls:x');
  });

  test('what its kind refuses is refused, whatever else the request shows', async () => {
    const several = await both();
    const foreign = await mintToken(key, { aud: ['elsewhere'] });
    for (const headers of [
      bearer(foreign),
      { ...bearer(foreign), 'x-mcp-auth': 'a-static-token' },
      { ...bearer('guessed'), 'x-mcp-auth': 'a-static-token' },
    ])
      assert.match(await ask(several, headers, withCertificate), /^401 /);
    const refused = '401 authentication is required';
    assert.match(await ask(several, { authorization: 'Basic eDp5' }, withCertificate), new RegExp(refused));
    assert.match(await ask(several, {}), new RegExp(refused));
  });

  test('a token of an issuer that nobody here is of is refused', async () => {
    const several = await both();
    const words = '401 the credentials are not valid: the token is of none of the kinds that are taken here';
    assert.equal(await ask(several, bearer(jwt({ iss: 'https://elsewhere' }))), words);
    assert.equal(await ask(several, bearer(jwt({ sub: 'x' }))), words);
  });

  test('while the keys of a kind are away, others are served, and what may be its own has to wait', async () => {
    const several = await both({ ready: false });
    assert.equal(await ask(several, bearer('a-static-token')), 'token:ci');
    assert.match(await ask(several, bearer(await mintToken(key))), /^503 /);
    assert.equal(several.notReady(), undefined);
    await waitFor('the problem', () => /cannot be read/.test(several.problems!().join()));
  });

  /** Of a provider that is known by its issuer. */
  const provider: KindAuthenticator = {
    ...certificates,
    kind: 'oidc',
    recognises: (credential) =>
      credential.form === 'jwt' && credential.issuer === 'https://provider' ? 'yes' : 'no',
    authenticate: () => principal({ kind: 'oidc', issuer: '', name: 'oidc:x', groups: [], actors: [] }),
  };

  test('a token that names its issuer is of nobody else, be it written in the Secret', async () => {
    const foreign = await mintToken(key, { aud: ['elsewhere'] });
    writeFileSync(join(directory, 'copied'), foreign);
    try {
      assert.match(await ask(await both(), bearer(foreign)), /^401 .*claim "aud"/);
    } finally {
      rmSync(join(directory, 'copied'));
    }
  });

  test('a token of a provider does not wait for the keys of the cluster', async () => {
    const source = createClusterIssuer({ host: 'localhost', port: 1 }, cluster.directory);
    const kubernetes = createKubernetesTokens({ audience: AUDIENCE, allowPrincipals: ['ns/*'] }, source);
    const several = createSeveral([kubernetes, provider]);
    authenticators.push(several);
    assert.equal(await ask(several, bearer(jwt({ iss: 'https://provider' }))), 'oidc:x');
    assert.match(await ask(several, bearer(jwt({ iss: 'https://elsewhere' }))), /^503 /);
    assert.match(await ask(several, bearer('opaque')), /^401 /);
    assert.deepEqual(several.kinds!(), [
      { kind: 'kubernetes', isReady: false },
      { kind: 'oidc', isReady: true },
    ]);
  });

  test('a static token is told to no provider, be its Secret at fault or its caller gone', async () => {
    const told: string[] = [];
    const introspecting: KindAuthenticator = {
      ...provider,
      recognises: (credential) => (credential.form === 'opaque' ? 'yes' : 'no'),
      authenticate(headers) {
        told.push(String(headers.authorization));
        return ANONYMOUS;
      },
    };
    const tokens = await createStaticTokens(
      { source: 'secret/callers', directory },
      { log: () => undefined, revoked: () => undefined },
    );
    const several = createSeveral([tokens, introspecting]);
    authenticators.push(several);
    assert.match(await ask(several, bearer(formatToken(Buffer.alloc(32, 7)))), /^401 /);
    writeFileSync(join(directory, 'faulty'), '');
    try {
      await waitFor('the fault', () => tokens.notReady() !== undefined);
      assert.match(await ask(several, bearer('a-static-token')), /^503 /);
    } finally {
      rmSync(join(directory, 'faulty'));
    }
    assert.deepEqual(told, []);
    await waitFor('the tokens', () => tokens.notReady() === undefined);
    assert.equal(await ask(several, bearer('of the provider')), 'anonymous');
  });

  test('a principal holds as long as its own kind says so', async () => {
    const several = await both();
    const caller = await several.authenticate(bearer('a-static-token'), {});
    assert.ok(!('reason' in caller));
    assert.equal(several.holds(caller), true);
    assert.equal(several.holds({ ...caller }), false);
    assert.equal(several.holds(ANONYMOUS), false);
  });

  test('the configuration names each kind once, and two at least', () => {
    const token = { mode: 'token', source: 'secret/x' };
    for (const list of [[token], [token, token], [token, { mode: 'none' }], []])
      assert.equal(authConfig.safeParse({ mode: 'several', of: list }).success, false);
  });
});

test('the form of a credential', () => {
  const formOf = (headers: Record<string, string>) => credentialOf(headers)?.form;
  assert.deepEqual(
    [
      formOf(bearer(jwt({ iss: 'x' }))),
      formOf(bearer(jwt({}))),
      formOf(bearer(jwt({ iss: ['x'] }))),
      formOf(bearer(`${jwt({ iss: 'x' })}.x`)),
      formOf(bearer('a.b.c')),
      formOf(bearer('opaque')),
      formOf({ authorization: '' }),
      formOf({}),
    ],
    ['jwt', 'opaque', 'opaque', 'opaque', 'opaque', 'opaque', undefined, 'certificate'],
  );
});
