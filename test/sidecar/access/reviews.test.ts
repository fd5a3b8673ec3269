import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UnansweredError, type AskApiServer } from '../../../sidecar/access/ask-api-server.ts';
import { createDecisions } from '../../../sidecar/access/decisions.ts';
import { createReviews } from '../../../sidecar/access/reviews.ts';
import { createTurns } from '../../../sidecar/access/turns.ts';
import { ANONYMOUS, principal } from '../../../sidecar/principal.ts';

const CACHE = { cacheAllowedSeconds: 30, cacheDeniedSeconds: 10 };
const of = { namespace: 'ns', server: 'tools' };
const caller = (groups: string[] = []) =>
  principal({ kind: 'oidc', issuer: 'i', name: 'oidc:alice', groups, actors: [] });

/** Answers what a test says, and keeps what was asked. */
function reviewsWith(answer: (name: string | undefined) => boolean | Error, now: () => number = () => 0) {
  const asked: (string | undefined)[] = [];
  const ask: AskApiServer = async ({ spec }) => {
    const { name } = spec.resourceAttributes;
    if (spec.user !== 'system:anonymous') asked.push(name);
    const said = answer(name);
    if (said instanceof Error) throw said;
    return said;
  };
  const reviews = createReviews(CACHE, { ask, of, log: () => undefined, now });
  return { reviews, asked };
}

describe('answers of the API server', () => {
  test('are kept for 30 seconds when they allow and 10 when they deny, from when they were asked for', async (t) => {
    let nowMs = 0;
    const { reviews, asked } = reviewsWith(
      (name) => name === 'echo',
      () => nowMs,
    );
    t.after(reviews.close);
    const alice = caller();
    assert.equal(await reviews.ask(alice, 'call', 'echo'), true);
    assert.equal(await reviews.ask(alice, 'call', 'env'), false);
    assert.deepEqual(asked, [undefined, 'echo', 'env']);
    nowMs = 9_999;
    assert.equal(reviews.ask(alice, 'call', 'env'), false);
    nowMs = 10_000;
    assert.equal(await reviews.ask(alice, 'call', 'env'), false);
    assert.deepEqual(asked.slice(3), [undefined, 'env']);
    nowMs = 29_999;
    assert.equal(reviews.ask(alice, 'call', 'echo'), true);
    assert.ok(reviews.knows(alice));
    nowMs = 30_000;
    assert.ok(!reviews.knows(alice));
    assert.ok(reviews.ask(alice, 'call', 'echo') instanceof Promise);
  });

  test('are one caller’s: of its tokens together, and not of one in other groups', async (t) => {
    const { reviews, asked } = reviewsWith(() => true);
    t.after(reviews.close);
    await reviews.ask(caller(['oidc:devs']), 'call', 'echo');
    assert.equal(reviews.ask(caller(['oidc:devs']), 'call', 'other'), true);
    assert.equal(reviews.allowsAll(caller(['oidc:devs']), 'call'), true);
    assert.equal(reviews.allowsAll(caller(), 'call'), false);
    assert.equal(await reviews.ask(caller(), 'call', 'echo'), true);
    assert.equal(asked.length, 2);
  });

  test('that do not come are a problem for all, but for a question that is itself at fault', async (t) => {
    const { reviews } = reviewsWith((name) =>
      name === 'odd'
        ? new UnansweredError('invalid', 422)
        : name === 'much'
          ? new UnansweredError('too many', 429)
          : name === 'away'
            ? new UnansweredError('away')
            : false,
    );
    t.after(reviews.close);
    await reviews.starting();
    await assert.rejects(async () => reviews.ask(caller(), 'call', 'odd'), /invalid/);
    await assert.rejects(async () => reviews.ask(caller(), 'call', 'much'), /too many/);
    assert.equal(reviews.problem(), undefined);
    assert.equal(await reviews.ask(caller(), 'call', 'echo'), false);
    await assert.rejects(async () => reviews.ask(caller(), 'call', 'away'), /away/);
    assert.equal(reviews.problem(), 'away');
    await assert.rejects(async () => reviews.ask(caller(), 'call', 'new'), /away/, 'nobody is asked in vain');
  });

  test('are of one name each, however long names are', async (t) => {
    const granted = `note:///${'x'.repeat(200)}`;
    const { reviews, asked } = reviewsWith((name) => name === granted);
    t.after(reviews.close);
    const alice = caller();
    assert.equal(await reviews.ask(alice, 'read', granted), true);
    assert.equal(await reviews.ask(alice, 'read', `${granted}y`), false);
    assert.equal(reviews.ask(alice, 'read', granted), true);
    assert.equal(asked.length, 3);
  });

  test('come to each caller in turn, where one asks for much', async () => {
    const turns = createTurns(2);
    const [one, other] = [{}, {}];
    const order: string[] = [];
    const ask = async (who: object, name: string): Promise<void> => {
      await turns.take(who);
      order.push(name);
      await new Promise(setImmediate);
      turns.release();
    };
    await Promise.all([
      ...Array.from({ length: 6 }, (_, index) => ask(one, `one ${index}`)),
      ask(other, 'other 0'),
      ask(other, 'other 1'),
    ]);
    assert.deepEqual(order.slice(0, 6), ['one 0', 'one 1', 'one 2', 'other 0', 'one 3', 'other 1']);
    assert.equal(turns.take(one), undefined, 'nobody is left waiting');
  });

  test('are forgotten as a whole when they are more than are kept', () => {
    const decisions = createDecisions(CACHE, () => 0, 10);
    decisions.of(ANONYMOUS).set('call a', true, 0);
    assert.equal(decisions.of(ANONYMOUS).get('call a'), true);
    for (let index = 0; index < 9; index++) decisions.of(caller()).set(`call ${index}`, true, 0);
    assert.equal(decisions.of(ANONYMOUS).get('call a'), undefined);
  });
});
