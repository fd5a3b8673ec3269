import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readTokens } from '../../../sidecar/auth/read-tokens.ts';
import { formatToken, MADE_TOKEN, madeHere } from '../../../sidecar/auth/token-format.ts';
import { formatRecord, readRecord, tokenId } from '../../../sidecar/auth/token-record.ts';

const DIGEST = hash('sha256', 'kmcp_x', 'hex');

describe('a token that is made here', () => {
  test('is found within other text, and known to be whole', () => {
    const token = formatToken(randomBytes(32));
    assert.equal(MADE_TOKEN.exec(`Authorization: Bearer ${token}, and more`)?.[0], token);
    assert.deepEqual(madeHere(token), { isWhole: true });
  });

  test('has one length, whatever the random', () => {
    for (const byte of [0, 1, 255])
      assert.match(formatToken(Buffer.alloc(32, byte)), /^kmcp_[0-9A-Za-z]{49}$/);
    assert.equal(formatToken(Buffer.alloc(32, 1)), 'kmcp_0El6XFXwsUFD8J2vGxsaboW7rZYnQRBP5d9erwRwd291Whv5k');
  });

  test('is known to be cut or mistyped', () => {
    const token = formatToken(randomBytes(32));
    for (let at = 5; at < token.length; at++) {
      const other = `${token.slice(0, at)}${token[at] === 'a' ? 'b' : 'a'}${token.slice(at + 1)}`;
      assert.deepEqual(madeHere(other), { isWhole: false }, other);
      assert.deepEqual(madeHere(token.slice(0, at)), { isWhole: false });
    }
    assert.deepEqual(madeHere(`${token}0`), { isWhole: false });
    assert.equal(madeHere('a-token-of-somebody'), undefined);
  });
});

describe('a line of a caller’s file', () => {
  test('reads as it was written', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            plain: fc.stringMatching(/^[!-9;-~]{1,60}$/),
            createdAtMs: fc.integer({ min: 0, max: 4e9 }).map((each) => each * 1000),
            expiresAtMs: fc.integer({ min: 0, max: 4e9 }).map((each) => each * 1000),
            madeFor: fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed()),
          },
          { requiredKeys: [] },
        ),
        (fields) => {
          const record = { digest: hash('sha256', fields.plain ?? 'x', 'buffer'), ...fields };
          assert.deepEqual(readRecord(formatRecord(record)), { record });
        },
      ),
    );
  });

  test('names its token by what does not tell it', () => {
    const read = readRecord(`sha256:${DIGEST} created=2026-11-20T12:00:00Z`);
    assert.ok('record' in read);
    assert.equal(tokenId(read.record), DIGEST.slice(0, 8));
    assert.equal(read.record.plain, undefined);
  });

  for (const [what, content, fault] of [
    ['a date without a time', `sha256:${DIGEST} expires=2027-01-31`, /has an "expires" that is no time/],
    ['a time without a zone', `t expires=2027-01-31T12:00:00`, /has an "expires" that is no time/],
    ['a month too many', `t expires=2027-13-31T12:00:00Z`, /has an "expires" that is no time/],
    ['an end that is empty', `t expires=`, /has an "expires" that is no time/],
    ['an end that is misspelt', `sha256:${DIGEST} expiry=2027-01-31T12:00:00Z`, /other characters than/],
    ['a digest that is cut', `sha256:${DIGEST.slice(1)} created=2026-11-20T12:00:00Z`, /without its 64/],
    ['a note that is not encoded', `t for=100%`, /"for" that is not percent-encoded/],
    ['a record and a token', `sha256:${DIGEST}\nabc`, /has LF inside/],
    ['the same token twice', `sha256:${DIGEST}\nsha256:${DIGEST}`, /is the same token as "ci"/],
  ] as const) {
    test(`${what} is a fault`, () => {
      const read = readTokens(new Map([['ci', Buffer.from(content)]]));
      assert.ok('faults' in read, what);
      assert.match(read.faults.join(), fault);
      assert.ok(!read.faults.join().includes(DIGEST.slice(1)));
    });
  }

  test('a caller has several, one below the other', () => {
    const content = `sha256:${DIGEST} expires=2027-01-31T12:00:00Z\r\n\nabc created=2026-11-20T12:00:00+01:00\n`;
    const read = readTokens(new Map([['ci', Buffer.from(content)]]));
    assert.ok('entries' in read);
    assert.deepEqual(
      read.entries.map(({ caller, createdAtMs, expiresAtMs, plain }) => [
        caller,
        createdAtMs,
        expiresAtMs,
        plain,
      ]),
      [
        ['ci', undefined, Date.parse('2027-01-31T12:00:00Z'), undefined],
        ['ci', Date.parse('2026-11-20T11:00:00Z'), undefined, 'abc'],
      ],
    );
  });
});
