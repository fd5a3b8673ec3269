import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { expiryOf } from '../../../plugin/token/lifetime.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00.500Z');
const shown = (...args: [Parameters<typeof expiryOf>[0], number?]): string | undefined => {
  const atMs = expiryOf(args[0], NOW_MS, args[1]);
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
};

describe('how long a token is good', () => {
  for (const [flags, expected] of [
    [{}, undefined],
    [{ expiresIn: 'never' }, undefined],
    [{ expiresIn: '90d' }, '2027-02-18T12:00:00.000Z'],
    [{ expiresIn: '1d12h' }, '2026-11-22T00:00:00.000Z'],
    [{ expiresIn: '90m' }, '2026-11-20T13:30:00.000Z'],
    [{ expiresAt: '2027-01-31' }, '2027-01-31T00:00:00.000Z'],
    [{ expiresAt: '2027-01-31T12:00:00+01:00' }, '2027-01-31T11:00:00.000Z'],
  ] as const) {
    test(JSON.stringify(flags), () => assert.equal(shown(flags), expected));
  }

  test('is that of the one before, where flags say nothing', () =>
    assert.equal(shown({}, 60_000), '2026-11-20T12:01:00.000Z'));

  for (const [flags, words] of [
    [{ expiresIn: '90x' }, /invalid argument "90x" for "--expires-in" flag: time: invalid duration/],
    [{ expiresIn: '0d' }, /for "--expires-in" flag: it is not in the future/],
    [{ expiresIn: '-1h' }, /invalid duration/],
    [{ expiresAt: '2026-11-20' }, /for "--expires-at" flag: it is not in the future/],
    [{ expiresAt: '2027-13-01' }, /must be a date or a time with its zone/],
    [{ expiresAt: '2027-01-31T12:00:00' }, /must be a date or a time with its zone/],
    [{ expiresAt: 'tomorrow' }, /must be a date or a time with its zone/],
    [{ expiresIn: '99999d99999999h' }, /say "--expires-in never"/],
    [{ expiresIn: '1h', expiresAt: '2027-01-31' }, /may not be used together/],
  ] as const) {
    test(`${JSON.stringify(flags)} is refused`, () => assert.throws(() => shown(flags), words));
  }
});
