import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inScope } from '../../../../sidecar/exchange-scope.ts';
import type { Exchange } from '../../../../sidecar/exchange.ts';
import type { HttpPool } from '../../../../sidecar/upstream/http-pool.ts';
import type { Caller } from '../../../../sidecar/upstream/token/caller.ts';
import { credentialedPool, type Credential } from '../../../../sidecar/upstream/token/credentialed-pool.ts';
import type { UpstreamEvents, UpstreamRequest } from '../../../../sidecar/upstream/upstream-call.ts';
import { UpstreamError } from '../../../../sidecar/upstream/upstream-error.ts';

const caller = (owner: string, token = `token-of-${owner}`): Caller => ({
  owner,
  token,
  type: 'urn:ietf:params:oauth:token-type:access_token',
});
const LIMIT = { timeout: 10_000 };
const POST = { method: 'POST', headerLines: '' } as const;
const NO_ANSWER = { head: nothing, chunk: nothing, end: nothing, fail: nothing };

/** @param statuses that the server answers with, in turn */
function pooled(statuses: number[] = [], credential: Partial<Credential> = {}) {
  const sent: string[] = [];
  const pool: HttpPool = {
    send(_request, events, authorization) {
      sent.push(/^Bearer (.*)$/.exec(authorization ?? '')?.[1] ?? 'none');
      const status = statuses.shift();
      if (status !== undefined) setImmediate(() => events.head({ status, headers: new Map() }));
      return { abort: nothing, pause: nothing, resume: nothing };
    },
    close: nothing,
  };
  const over = credentialedPool(
    pool,
    {
      of(given) {
        if (given && !given.token) throw new UpstreamError('none', 'token-refused');
        return given?.token ?? 'own';
      },
      refused: () => true,
      ...credential,
    },
    { isOwn: false, faulted: nothing },
  );
  const send = (request: Partial<UpstreamRequest>, events: Partial<UpstreamEvents> = {}) =>
    over.send({ ...POST, ...request }, { ...NO_ANSWER, ...events });
  return { send, sent };
}

/** As the exchange of this caller's: what is begun in it goes on in it. */
function asExchangeOf(owner: string, step: () => void): void {
  const exchange = {
    id: owner,
    server: { upstream: { token: { mode: 'exchange' } } },
    head: { headers: { authorization: `Bearer token-of-${owner}` } },
    principal: { digest: owner, kind: 'oidc' },
  } as unknown as Exchange;
  inScope(exchange, { head: nothing, chunk: nothing, end: nothing, fail: nothing }, () => {
    step();
    return { abort: nothing, pause: nothing, resume: nothing };
  });
}

describe('a request to a server that wants tokens', () => {
  test('of nobody’s has the proxy’s own', () => {
    const { send, sent } = pooled();
    asExchangeOf('ann', () => void send({}));
    assert.deepEqual(sent, ['own']);
  });

  test('has the token that its caller has brought with it, before all others', () => {
    const { send, sent } = pooled();
    send({ owner: 'ann', caller: caller('ann', 'first') });
    send({ owner: 'ann', caller: caller('ann', 'second') });
    send({ owner: 'ann', caller: caller('ann', 'first') });
    assert.deepEqual(sent, ['first', 'second', 'first']);
  });

  test('in between the calls of a session has the last one of its principal', () => {
    const { send, sent } = pooled();
    send({ owner: 'ann', caller: caller('ann', 'first') });
    send({ owner: 'ann', caller: caller('ann', 'second') });
    send({ owner: 'ann' });
    assert.deepEqual(sent, ['first', 'second', 'second']);
  });

  test(
    'that another’s exchange begins, as a timer of it does, has no token of that other',
    LIMIT,
    async () => {
      const { send, sent } = pooled();
      asExchangeOf('ann', () => void send({ owner: 'ann' }));
      const fault = await new Promise((resolve) => {
        asExchangeOf('ann', () => void send({ owner: 'bob' }, { fail: resolve }));
      });
      assert.deepEqual(sent, ['token-of-ann']);
      assert.ok(fault instanceof UpstreamError && fault.fault === 'token-refused');
      send({ owner: 'bob', caller: caller('bob') });
      asExchangeOf('ann', () => void send({ owner: 'bob' }));
      assert.deepEqual(sent.slice(1), ['token-of-bob', 'token-of-bob']);
    },
  );

  test('with the caller of another principal is not sent with that token', async () => {
    const { send, sent } = pooled();
    send({ owner: 'bob', caller: caller('ann') });
    await new Promise(setImmediate);
    assert.deepEqual(sent, []);
  });

  test('that is answered 401 is sent once more, with another token, where that does no harm', async () => {
    let count = 0;
    const { send, sent } = pooled([401, 401], { of: () => `token-${++count}` });
    const status = await new Promise((resolve) => {
      send({ repeatable: true }, { head: (head) => resolve(head.status) });
    });
    assert.deepEqual([status, sent], [401, ['token-1', 'token-2']]);
    const other = pooled([401], { of: () => 'token' });
    await new Promise((resolve) => other.send({}, { head: resolve }));
    assert.deepEqual(other.sent, ['token']);
  });

  test('is not sent when its client has gone before the token came', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { send, sent } = pooled([], { of: () => promise });
    send({}).abort();
    resolve('late');
    await promise;
    assert.deepEqual(sent, []);
  });

  test('still says of itself what changes while it is under way', () => {
    let listens = false;
    let seen: UpstreamRequest | undefined;
    const pool: HttpPool = {
      send(request) {
        seen = request;
        return { abort: nothing, pause: nothing, resume: nothing };
      },
      close: nothing,
    };
    const over = credentialedPool(
      pool,
      { of: () => 'own', refused: () => false },
      { isOwn: true, faulted: nothing },
    );
    const request = {
      ...POST,
      get listens() {
        return listens;
      },
    };
    over.send(request, NO_ANSWER);
    assert.equal(seen?.listens, false);
    listens = true;
    assert.equal(seen?.listens, true);
  });
});

function nothing(): void {}
