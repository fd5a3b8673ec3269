import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createClusterIssuer } from '../../../sidecar/auth/cluster-issuer.ts';
import { waitFor } from '../wire/wait-for.ts';
import { mintToken, startFakeCluster } from './fake-cluster.ts';
import { key, other, cluster, start, holdClock, ask, shown } from './ask-cluster.ts';

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
    ['the files are not there', () => undefined, /is not there/],
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
        assert.equal(
          shown(verdict),
          '503 callers cannot be checked at the moment: there is nothing to check their tokens with',
        );
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
