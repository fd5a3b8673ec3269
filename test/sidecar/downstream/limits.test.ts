import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLimits, createPodLoad, type Share } from '../../../sidecar/downstream/limits.ts';

const LIMITS = {
  requestBytes: 2_000,
  requestBytesInFlight: 10_000,
  requestsInFlight: 4,
  requestsInFlightPerPrincipal: 2,
  streams: 3,
  streamsPerPrincipal: 2,
  connections: 10,
};

function setUp() {
  const limits = createLimits(LIMITS);
  const enter = (who: string, kind: Share['kind'] = 'call') => {
    const share: Share = { kind, bodyBytes: 0 };
    const refusal = limits.enter(share) ?? limits.identify(share, limits.loadOf(who));
    return { share, refusal: refusal?.detail };
  };
  return { limits, enter };
}

describe('limits', () => {
  test('bound calls and streams, of the server and of each caller', () => {
    const { limits, enter } = setUp();
    const shares = [enter('a'), enter('a'), enter('b')];
    assert.ok(shares.every(({ refusal }) => refusal === undefined));
    const third = enter('a');
    assert.equal(third.refusal, '2 calls of this caller');
    assert.equal(enter('c').refusal, '4 calls');
    // A refused one is counted until it is over, and then no more.
    limits.leave(third.share);
    assert.equal(enter('c').refusal, undefined);
    assert.equal(enter('a', 'stream').refusal, undefined);
    for (const { share } of shares) limits.leave(share);
    assert.equal(enter('a').refusal, undefined);
  });

  test('count a call that turns out to be a stream as one', () => {
    const { limits, enter } = setUp();
    const [first, second] = [enter('a').share, enter('a').share];
    assert.equal(limits.becomeStream(first), undefined);
    assert.equal(limits.becomeStream(second), undefined);
    const third = enter('a').share;
    assert.equal(limits.becomeStream(third)?.detail, '2 streams of this caller');
    limits.leave(third);
    limits.leave(first);
    limits.leave(second);
    const load = limits.loadOf('a');
    assert.deepEqual(load, { calls: 0, streams: 0, bodyBytes: 0 });
  });

  test('bound the bytes of bodies, a quarter for each caller', () => {
    const { limits, enter } = setUp();
    const [a, b] = [enter('a').share, enter('b').share];
    assert.equal(limits.hold(a, 2_000), undefined);
    assert.equal(limits.hold(a, 600)?.reason, 'too-much-under-way');
    assert.equal(limits.hold(b, 2_500), undefined);
    limits.leave(a);
    assert.equal(limits.loadOf('a').bodyBytes, 0);
    assert.equal(limits.loadOf('b').bodyBytes, 2_500);
  });

  test('keep no trace of callers that are gone', () => {
    const { limits } = setUp();
    const busy = limits.loadOf('busy');
    busy.calls = 1;
    for (let each = 0; each < 10_000; each++) limits.loadOf(`caller-${each}`);
    assert.equal(limits.loadOf('busy'), busy);
  });
});

describe('limits of a pod with several servers', () => {
  const pod = createPodLoad([LIMITS, { ...LIMITS, requestsInFlight: 3 }]);
  const [one, other] = [createLimits(LIMITS, pod), createLimits({ ...LIMITS, requestsInFlight: 3 }, pod)];
  const enter = (limits: typeof one, kind: Share['kind'] = 'call') => {
    const share: Share = { kind, bodyBytes: 0 };
    return { share, refusal: limits.enter(share)?.detail };
  };

  test('are those of the largest server, whichever is asked', () => {
    const shares = [enter(one), enter(one), enter(other), enter(other)];
    assert.ok(shares.every(({ refusal }) => refusal === undefined));
    for (const limits of [one, other]) assert.equal(enter(limits).refusal, '4 calls');
    one.leave(shares[0]!.share);
    assert.equal(enter(other).refusal, undefined);
    assert.equal(enter(other).refusal, '3 calls', 'its own are less');
  });

  test('bound streams and bytes of bodies too', () => {
    const streams = [enter(one, 'stream'), enter(other, 'stream'), enter(one, 'stream')];
    assert.ok(streams.every(({ refusal }) => refusal === undefined));
    assert.equal(enter(other, 'stream').refusal, '3 streams');
    assert.equal(one.hold(streams[0]!.share, 6_000), undefined);
    assert.equal(other.hold(streams[1]!.share, 6_000)?.detail, 'bytes of request bodies');
    one.leave(streams[0]!.share);
    assert.equal(other.hold(streams[1]!.share, 6_000), undefined);
  });
});
