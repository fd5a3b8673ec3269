import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, test } from 'node:test';
import { createToken, revokeTokens, rotateToken, type TokenChange } from '../../../plugin/token/change.ts';
import { revisionFor } from '../../../plugin/token/pods.ts';
import { type SecretData, storedTokens } from '../../../plugin/token/stored.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
const HOUR_MS = 3_600_000;
const SOURCE = 'secret/web-mcp-tokens';
let count = 0;
const random = (bytes: number): Uint8Array => Buffer.alloc(bytes, ++count);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const textIn = (data: TokenChange['data'], key: string): string =>
  Buffer.from(data[key] ?? '', 'base64').toString();
const after = (data: SecretData, change: TokenChange): SecretData =>
  Object.fromEntries(
    Object.entries({ ...data, ...change.data }).flatMap(([key, value]) =>
      value === null ? [] : [[key, value]],
    ),
  );
const wanted = { caller: 'ci', nowMs: NOW_MS, random, source: SOURCE };

describe('what becomes of tokens in a Secret', () => {
  test('a new one leaves its digest, its end and its note, and not itself', () => {
    const expiresAtMs = NOW_MS + HOUR_MS;
    const made = createToken({}, { ...wanted, expiresAtMs, madeFor: 'team A, 100%' });
    const text = textIn(made.data, 'ci');
    assert.equal(
      text,
      `sha256:${hash('sha256', made.token, 'hex')} created=2026-11-20T12:00:00Z expires=2026-11-20T13:00:00Z for=team%20A%2C%20100%25\n`,
    );
    assert.ok(!text.includes('kmcp_'));
    const data = after({}, made);
    assert.ok(made.isIn(data));
    assert.ok(!made.isIn({}));
    assert.deepEqual(storedTokens(data, expiresAtMs - 1), [
      {
        caller: 'ci',
        id: hash('sha256', made.token, 'hex').slice(0, 8),
        status: 'Active',
        created: new Date(NOW_MS),
        expires: new Date(expiresAtMs),
        for: 'team A, 100%',
        stored: 'digest',
      },
    ]);
    assert.equal(storedTokens(data, expiresAtMs)[0]?.status, 'Expired');
  });

  test('a caller who is there is not overwritten, and a name that no Secret can have is refused', () => {
    assert.throws(
      () => createToken({ ci: base64('x') }, { ...wanted, expiresAtMs: undefined }),
      /Error from server \(AlreadyExists\): caller "ci" already has a token in secret\/web-mcp-tokens\n.*rotate/,
    );
    for (const caller of ['', '..', '..data', 'system:admin', 'a b', 'a/b', 'ä', 'x'.repeat(254)])
      assert.throws(
        () => createToken({}, { ...wanted, caller, expiresAtMs: undefined }),
        /invalid caller/,
        caller,
      );
  });

  test('rotating keeps the old one for the overlap, as a digest, and gives the new one the same life', () => {
    const first = createToken({}, { ...wanted, expiresAtMs: NOW_MS + 10 * HOUR_MS, madeFor: 'a' });
    const later = NOW_MS + 2 * HOUR_MS;
    const made = rotateToken(after({}, first), {
      ...wanted,
      nowMs: later,
      overlapMs: HOUR_MS,
      expiryOf: (before) => (before === undefined ? undefined : later + before),
    });
    const tokens = storedTokens(after({}, made), later);
    assert.deepEqual(
      tokens.map((each) => [each.expires?.getTime(), each.for]),
      [
        [later + HOUR_MS, 'a'],
        [later + 10 * HOUR_MS, 'a'],
      ],
    );
    assert.ok(!textIn(made.data, 'ci').includes(made.token));
  });

  test('rotating a token that stood there readable leaves nothing that can be read', () => {
    const made = rotateToken(
      { ci: base64('old-token\n') },
      { ...wanted, overlapMs: HOUR_MS, expiryOf: () => undefined },
    );
    const [old, fresh, ...others] = textIn(made.data, 'ci').trim().split('\n');
    assert.equal(old, `sha256:${hash('sha256', 'old-token', 'hex')} expires=2026-11-20T13:00:00Z`);
    assert.equal(fresh, `sha256:${hash('sha256', made.token, 'hex')} created=2026-11-20T12:00:00Z`);
    assert.deepEqual(others, []);
  });

  test('rotating without an overlap, or what has ended, leaves the new one alone; an overlap gives no end a longer life', () => {
    const data = {
      ci: base64('a expires=2026-11-20T11:00:00Z\nb expires=2026-11-20T12:30:00Z'),
    };
    const cut = rotateToken(data, { ...wanted, overlapMs: 0, expiryOf: () => undefined });
    assert.equal(storedTokens(after(data, cut), NOW_MS).length, 1);
    const kept = rotateToken(data, { ...wanted, overlapMs: HOUR_MS, expiryOf: () => undefined });
    assert.deepEqual(
      storedTokens(after(data, kept), NOW_MS).map(({ expires }) => expires?.toISOString()),
      ['2026-11-20T12:30:00.000Z', undefined],
    );
  });

  test('revoking removes the caller, or one of its tokens, and knows when somebody puts it back', () => {
    const data = {
      ci: base64('a created=2026-11-20T11:00:00Z\nb created=2026-11-20T11:00:00Z'),
      bob: base64('c'),
    };
    const all = revokeTokens(data, { callers: ['ci', 'bob'], source: SOURCE });
    assert.deepEqual(all.data, { ci: null, bob: null });
    assert.ok(all.isIn({}));
    assert.ok(!all.isIn({ other: base64('c') }));
    const id = hash('sha256', 'a', 'hex').slice(0, 8);
    const one = revokeTokens(data, { callers: ['ci'], id, source: SOURCE });
    assert.match(textIn(one.data, 'ci'), /^b created=\S+\n$/);
    assert.ok(one.isIn(after(data, one)));
    assert.ok(!one.isIn(data));
    assert.throws(
      () => revokeTokens(data, { callers: ['ci'], id: 'ffffffff', source: SOURCE }),
      /no token ffffffff/,
    );
    assert.throws(
      () => revokeTokens(data, { callers: ['eve'], source: SOURCE }),
      /Error from server \(NotFound\): secret\/web-mcp-tokens has no caller "eve"; it has: bob, ci/,
    );
  });

  test('what cannot be read is taken away whole', () => {
    const change = revokeTokens({ ci: base64('a b') }, { callers: ['ci'], source: SOURCE });
    assert.deepEqual(change.data, { ci: null });
    assert.ok(!change.isIn({ ci: base64('a b') }));
  });

  test('a revision is of names and contents, in whatever order', () => {
    const data = { b: base64('x'), a: base64('y') };
    assert.equal(revisionFor(data), revisionFor({ a: base64('y'), b: base64('x') }));
    assert.notEqual(revisionFor(data), revisionFor({ a: base64('x'), b: base64('y') }));
  });
});
