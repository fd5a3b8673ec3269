/** `verify: tokenreview`: what the API server says of tokens that are good otherwise. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { kubernetesAuth } from '../../../sidecar/auth/auth-config.ts';
import { createKubernetes } from '../../../sidecar/auth/create-kubernetes.ts';
import { REVIEWED_MS } from '../../../sidecar/auth/kubernetes-tokens.ts';
import { waitFor } from '../wire/wait-for.ts';
import { ask, authenticators, cluster, holdClock, key, other, shown } from './ask-cluster.ts';
import { AUDIENCE, mintToken } from './fake-cluster.ts';

const CALLER = 'system:serviceaccount:ns:caller';
const GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'];
const good = {
  authenticated: true,
  audiences: [AUDIENCE],
  user: { username: CALLER, groups: GROUPS },
};
const OURS = 'token-of-the-sidecar';
const REFUSED = '401 the credentials are not valid: the API server does not take the token, or not any more';

let asked = 0;
/** @param answer of callers' tokens; those of the sidecar are good */
function reviewsAre(answer: number | object): void {
  cluster.review = ({ token }) => (token === OURS ? { authenticated: true } : (asked++, answer));
}

afterEach(() => {
  asked = 0;
  cluster.review = () => 403;
});

async function start({ ready = true } = {}) {
  const config = kubernetesAuth.parse({
    mode: 'kubernetes',
    audience: AUDIENCE,
    allowPrincipals: ['ns/*'],
    verify: 'tokenreview',
    directory: cluster.directory,
  });
  const authenticator = await createKubernetes(config, {
    apiServer: cluster.apiServer,
    log: () => undefined,
    revoked: () => undefined,
  });
  authenticators.push(authenticator);
  if (ready) await waitFor('the keys and a review', () => authenticator.notReady() === undefined);
  return authenticator;
}

const answerTo = async (by: Awaited<ReturnType<typeof start>>, token: string) =>
  shown(await ask(by, `Bearer ${token}`));

describe('tokens that the API server reviews', () => {
  test('have the groups that it gives, and are asked about once in ten seconds', async () => {
    reviewsAre({ ...good, user: { username: CALLER, groups: [...GROUPS, 'of-another-authenticator'] } });
    const clock = holdClock();
    const by = await start();
    const token = await mintToken(key);
    const [first, second] = await Promise.all([ask(by, `Bearer ${token}`), ask(by, `Bearer ${token}`)]);
    assert.ok(!('reason' in first) && !('reason' in second));
    assert.deepEqual(first.groups, [...GROUPS, 'of-another-authenticator']);
    assert.equal(asked, 1);
    clock.forwardMs(REVIEWED_MS - 1);
    assert.equal(await answerTo(by, token), CALLER);
    assert.equal(by.holds(first), true);
    assert.equal(asked, 1);
    clock.forwardMs(1);
    assert.equal(by.holds(first), false);
    assert.equal(await ask(by, `Bearer ${token}`), first);
    assert.equal(by.holds(first), true);
    assert.equal(asked, 2);
    reviewsAre({ authenticated: false, error: 'pod is gone' });
    clock.forwardMs(REVIEWED_MS);
    assert.equal(await answerTo(by, token), REFUSED);
    assert.equal(by.holds(first), false);
    reviewsAre(good);
    assert.equal(await answerTo(by, token), REFUSED, 'that it is good no more is remembered as long');
  });

  test('are refused unless the review is of this audience and this account', async () => {
    const answers: object[] = [
      { authenticated: false },
      {},
      { ...good, authenticated: 'true' },
      { ...good, audiences: undefined },
      { ...good, audiences: ['https://kubernetes.default.svc'] },
      { ...good, user: { username: 'system:admin', groups: ['system:masters'] } },
      { ...good, user: undefined },
      { ...good, user: { username: CALLER, groups: 'system:masters' } },
    ];
    const by = await start({ ready: false });
    for (const [index, answer] of answers.entries()) {
      reviewsAre(answer);
      await waitFor('reviews', () => by.notReady() === undefined);
      assert.equal(
        await answerTo(by, await mintToken(key, { jti: `${index}` })),
        REFUSED,
        JSON.stringify(answer),
      );
    }
    assert.equal(asked, answers.length);
  });

  test('are not asked about when they are no tokens of the cluster, or of nobody who may call', async () => {
    reviewsAre(good);
    const by = await start();
    for (const token of [
      'junk',
      await mintToken(other),
      await mintToken(key, { aud: ['elsewhere'] }),
      await mintToken(key, { sub: 'system:serviceaccount:elsewhere:caller' }),
    ])
      assert.match(await answerTo(by, token), /^40[13] /);
    assert.equal(asked, 0);
  });

  test('cannot be told while the API server is away, and are told again when it is back', async () => {
    reviewsAre(good);
    const by = await start();
    cluster.status = 500;
    const away = '503 callers cannot be checked at the moment: there is nothing to check their tokens with';
    const token = await mintToken(key);
    assert.equal(await answerTo(by, token), away);
    assert.match(by.notReady()!, /^the API server reviews no tokens: the API server answered 500/);
    cluster.status = undefined;
    await waitFor('reviews', () => by.notReady() === undefined);
    assert.equal(await answerTo(by, token), CALLER);
  });

  test('need a permission of the pod, and the command is named that gives it', async () => {
    const by = await start({ ready: false });
    await waitFor('the word on it', () => /may not have tokens reviewed/.test(by.notReady() ?? ''));
    assert.match(
      by.notReady()!,
      /^the pod's service account may not have tokens reviewed: kubectl create clusterrolebinding \S+ --clusterrole=system:auth-delegator --serviceaccount=NAMESPACE:SERVICEACCOUNT$/,
    );
    assert.match(await answerTo(by, await mintToken(key)), /^503 /);
  });
});
