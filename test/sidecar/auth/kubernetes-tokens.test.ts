import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Principal } from '../../../sidecar/principal.ts';
import { createSigningKey, mintToken } from './fake-cluster.ts';
import { key, other, cluster, start, holdClock, ask, shown } from './ask-cluster.ts';
import { INVALID, TABLE, now } from './tokens-table.ts';

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

  test('a principal holds until its token expires', async () => {
    const clock = holdClock();
    const authenticator = await start();
    const nowS = Math.floor(Date.now() / 1000);
    const [short, long] = await Promise.all(
      [600, 3_600].map(
        async (seconds) =>
          (await ask(authenticator, `Bearer ${await mintToken(key, { exp: nowS + seconds })}`)) as Principal,
      ),
    );
    assert.equal(short!.digest, long!.digest);
    assert.deepEqual(
      [short, long].map((each) => authenticator.holds(each!)),
      [true, true],
    );
    clock.forwardMs(606_000);
    assert.deepEqual(
      [short, long].map((each) => authenticator.holds(each!)),
      [false, true],
    );
  });

  test('a principal does not hold when the keys of the cluster are others, nor one of elsewhere', async () => {
    const clock = holdClock();
    const authenticator = await start();
    const found = (await ask(authenticator, `Bearer ${await mintToken(key)}`)) as Principal;
    assert.equal(authenticator.holds({ ...found }), false);
    cluster.keys = [other.jwk];
    clock.forwardMs(6_000);
    await ask(authenticator, `Bearer ${await mintToken(other)}`);
    assert.equal(authenticator.holds(found), false);
  });
});
