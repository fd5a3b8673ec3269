import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { tokenFactsIn } from '../../../plugin/sources/token-facts.ts';
import { formatToken } from '../../../sidecar/auth/token-format.ts';

const made = formatToken(randomBytes(32));

for (const [what, content, weakness] of [
  ['one that is made here', made, undefined],
  ['one that was cut', made.slice(0, -1), 'begins with kmcp_, but is cut or mistyped'],
  ['random text', randomBytes(24).toString('base64url'), undefined],
  ['16 characters in hexadecimal', '93f0c2a1b7e4d865', undefined],
  ['a word', 'changeme', 'has fewer than 16 characters'],
  ['a long word', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'has few different characters'],
  ['a sentence', 'correct-horse-battery-staple', undefined],
  ['a digest', `sha256:${'0'.repeat(64)}`, undefined],
] as const) {
  test(`${what} is ${weakness === undefined ? 'taken' : 'told of'}, and not shown`, () => {
    const facts = tokenFactsIn(new Map([['ci', Buffer.from(content)]]));
    assert.deepEqual(
      facts.map((each) => each.weakness),
      [weakness],
    );
    assert.ok(!JSON.stringify(facts).includes(content));
  });
}

test('the end of a token is known, of each of a caller', () => {
  const content =
    'a-token-of-some-length expires=2027-01-01T00:00:00Z\nanother-one-of-length created=2026-01-01T00:00:00Z';
  assert.deepEqual(
    tokenFactsIn(new Map([['ci', Buffer.from(content)]])).map(({ expiresAtMs }) => expiresAtMs),
    [Date.parse('2027-01-01T00:00:00Z'), undefined],
  );
});
