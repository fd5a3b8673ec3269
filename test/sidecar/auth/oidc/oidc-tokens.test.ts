import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { KindAuthenticator } from '../../../../sidecar/auth/authenticator.ts';
import { createOidc } from '../../../../sidecar/auth/oidc/create-oidc.ts';
import { oidcAuth } from '../../../../sidecar/auth/oidc/oidc-config.ts';
import { createOutbound, type Outbound } from '../../../../sidecar/outbound/outbound.ts';
import type { Principal } from '../../../../sidecar/principal.ts';
import { RESOURCE, startProvider, type TestProvider } from '../../../rig/oidc-provider.ts';
import { waitFor } from '../../wire/wait-for.ts';
import { createMovedClock, type MovedClock } from './moved-clock.ts';

/** Really away for so long: `npm run test:full` waits for five minutes. */
const AWAY_MS = Number(process.env['ISSUER_AWAY_SECONDS'] ?? '1') * 1_000;

describe('tokens of a provider', () => {
  let provider: TestProvider;
  let outbound: Outbound;
  let clock: MovedClock;
  let authenticator: KindAuthenticator;

  before(async () => {
    provider = await startProvider({ ttlSeconds: 3_600 });
    outbound = await createOutbound({}, () => undefined);
  });
  after(async () => {
    outbound.close();
    await provider.stop();
  });
  const start = async (config: object = {}): Promise<void> => {
    authenticator?.close();
    clock = createMovedClock();
    authenticator = await createOidc(
      oidcAuth.parse({ mode: 'oidc', issuer: provider.issuer, audiences: [RESOURCE], ...config }),
      { outbound: () => Promise.resolve(outbound), log: () => undefined, clock },
    );
    await waitFor('the provider', () => authenticator.notReady() === undefined);
  };
  beforeEach(() => start());
  afterEach(() => authenticator.close());

  const ask = async (token: string) => authenticator.authenticate({ authorization: `Bearer ${token}` }, {});
  const show = async (token: string): Promise<string> => {
    const verdict = await ask(token);
    return 'reason' in verdict ? `${verdict.reason}: ${verdict.detail}` : verdict.name;
  };
  const claims = (more: object = {}) => ({
    iss: provider.issuer,
    aud: RESOURCE,
    sub: 'agent',
    exp: Math.floor(Date.now() / 1000) + 600,
    ...more,
  });

  test('of others have the provider not asked for their keys', async () => {
    clock.forwardMs(6_000);
    const soFar = provider.asked.length;
    for (const iss of ['https://id.example.org', undefined, [provider.issuer]])
      assert.equal(
        await show(await provider.sign(claims({ iss }) as never, { kid: 'unknown' })),
        'credentials-invalid: the token\'s claim "iss" is not the one expected here',
      );
    assert.equal(provider.asked.length, soFar);
    assert.match(await show(await provider.sign(claims(), { kid: 'unknown' })), /does not have$/);
    assert.equal(provider.asked.length, soFar + 2);
  });

  test('may name no key where the provider has several', async () => {
    await provider.stop();
    await provider.start({ rotate: 'add' });
    clock.forwardMs(6_000);
    const token = await provider.sign(claims(), { kid: undefined });
    assert.equal(await show(token), 'oidc:agent');
    assert.equal(
      await show(`${token.slice(0, -8)}AAAAAAAA`),
      "credentials-invalid: the token's signature is not valid",
    );
  });

  test('are taken with the algorithms that are pinned, and with no others', async () => {
    await start({ algorithms: ['ES256'] });
    assert.match(await show(await provider.token()), /not signed with an algorithm that is taken here/);
  });

  test('are held until they expire, and 30 seconds', async () => {
    const verdict = (await ask(await provider.sign(claims()))) as Principal;
    clock.forwardMs(620_000);
    assert.equal(authenticator.holds(verdict), true);
    clock.forwardMs(20_000);
    assert.equal(authenticator.holds(verdict), false);
    assert.equal(authenticator.holds({ ...verdict }), false);
  });

  test('are told to be for this kind by their issuer alone', () => {
    const of = (issuer: string) => authenticator.recognises({ form: 'jwt', token: 'x', issuer }, {});
    assert.deepEqual([of(provider.issuer), of(`${provider.issuer}/`), of('')], ['yes', 'no', 'no']);
    assert.equal(authenticator.recognises({ form: 'opaque', token: 'x' }, {}), 'no');
  });

  test('that are no tokens at all are refused', async () => {
    for (const words of ['a', '..', 'a.b.c', 'YQ.YQ.YQ', 'eyJhbGciOiJSUzI1NiJ9.W10.AA', 'a.b.c.d.e'])
      assert.match(await show(words), /^credentials-invalid: /);
  });

  test(
    'are taken while the provider is away, really away, and it is found again',
    { timeout: AWAY_MS + 60_000 },
    async () => {
      const token = await provider.token();
      const fresh = await provider.token();
      assert.equal(await show(token), 'oidc:agent');
      await provider.stop();
      clock.forwardMs(600_001);
      await waitFor('the problem', () => authenticator.problems!().length === 1);
      await delay(AWAY_MS);
      assert.equal(await show(token), 'oidc:agent');
      assert.equal(await show(fresh), 'oidc:agent');
      assert.equal(authenticator.notReady(), undefined);
      await provider.start();
      clock.forwardMs(30_001);
      await waitFor('the provider', () => authenticator.problems!().length === 0);
    },
  );
});
