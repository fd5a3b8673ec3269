import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import {
  createCredentialCache,
  type CredentialCache,
} from '../../../../sidecar/upstream/token/credential-cache.ts';
import { UpstreamError } from '../../../../sidecar/upstream/upstream-error.ts';

let nowMs = 0;
let made = 0;
let cache: CredentialCache | undefined;
afterEach(() => cache?.close());

function fresh(): CredentialCache {
  nowMs = 1_000_000;
  made = 0;
  return (cache = createCredentialCache(() => nowMs));
}
/** A token with a number, that lives for so long. */
const grant = (lifeMs: number) => async () => ({ token: `token-${++made}`, lifeMs });
const refusing = async (): Promise<never> => {
  made++;
  throw new UpstreamError('no', 'token-refused');
};

describe('a credential', () => {
  test('is asked for once by all who wait, and then kept', async () => {
    const { get } = fresh();
    const all = await Promise.all(Array.from({ length: 50 }, () => get('a', grant(600_000))));
    assert.deepEqual([...new Set(all)], ['token-1']);
    assert.equal(get('a', grant(600_000)), 'token-1');
    assert.equal(await get('b', grant(600_000)), 'token-2');
  });

  test('is renewed in its last minute, while the one before is still used', async () => {
    const { get } = fresh();
    await get('a', grant(600_000));
    nowMs += 539_999;
    assert.equal(get('a', grant(600_000)), 'token-1');
    assert.equal(made, 1);
    nowMs += 1;
    assert.equal(get('a', grant(600_000)), 'token-1');
    await Promise.resolve();
    assert.equal(made, 2);
    await new Promise(setImmediate);
    assert.equal(get('a', grant(600_000)), 'token-2');
  });

  test('is not sent any more shortly before its end', async () => {
    const { get } = fresh();
    await get('a', grant(600_000));
    nowMs += 590_000;
    assert.equal(await get('a', grant(600_000)), 'token-2');
    const short = await get('short', grant(5_000));
    nowMs += 4_499;
    assert.equal(get('short', grant(5_000)), short);
    await new Promise(setImmediate);
    nowMs += 1_000_000;
    assert.notEqual(await get('short', grant(5_000)), short);
  });

  test('that cannot be renewed is used to its end, and asked for every other second', async () => {
    const { get } = fresh();
    await get('a', grant(600_000));
    nowMs += 540_000;
    for (let second = 0; second < 49; second++, nowMs += 1_000) {
      assert.equal(get('a', refusing), 'token-1');
      await new Promise(setImmediate);
    }
    assert.equal(made, 1 + 25);
    nowMs += 1_000;
    await assert.rejects(async () => get('a', refusing), { fault: 'token-refused' });
  });

  test('that is refused is not asked for again for two seconds, unless something has changed', async () => {
    const { get, retry } = fresh();
    const ask = async (): Promise<string> => get('a', refusing);
    await assert.rejects(ask);
    nowMs += 1_999;
    await assert.rejects(ask, { fault: 'token-refused' });
    assert.equal(made, 1);
    retry();
    await assert.rejects(ask);
    assert.equal(made, 2);
    nowMs += 2_000;
    await assert.rejects(ask);
    assert.equal(made, 3);
  });

  test('that the server refuses is dropped, but not one that was just made', async () => {
    const { get, refused } = fresh();
    await get('a', grant(600_000));
    assert.equal(refused('a', 'token-1'), false);
    assert.equal(get('a', grant(600_000)), 'token-1');
    nowMs += 10_000;
    assert.equal(refused('a', 'token-1'), true);
    assert.equal(await get('a', grant(600_000)), 'token-2');
    // Others had it too, and come later.
    assert.equal(refused('a', 'token-1'), true);
    assert.equal(get('a', grant(600_000)), 'token-2');
  });

  test('of one caller more than there is room for takes the place of the oldest', async () => {
    const { get } = fresh();
    for (let index = 0; index < 2_049; index++) await get(`caller-${index}`, grant(600_000));
    assert.equal(get('caller-2048', grant(600_000)), 'token-2049');
    assert.equal(get('caller-1', grant(600_000)), 'token-2');
    assert.equal(await get('caller-0', grant(600_000)), 'token-2050');
  });
});
