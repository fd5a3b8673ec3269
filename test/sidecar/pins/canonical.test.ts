import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../../sidecar/pins/canonical.ts';

test('the example of RFC 8785, section 3.2.2, comes out as the RFC has it', () => {
  const given = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  assert.equal(
    canonicalJson(JSON.parse(given)),
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test('keys come in the order of UTF-16 code units, as section 3.2.3 has it', () => {
  const given = String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7,"10":8,"2":9}`;
  assert.equal(
    canonicalJson(JSON.parse(given)),
    '{"\\r":2,"1":4,"10":8,"2":9,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
  );
});

test('a key that objects inherit under is a key as any other', () => {
  assert.equal(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}')), '{"__proto__":{"a":2},"b":1}');
});

for (const [what, text] of [
  ['a number beyond the range of doubles', '{"a":1e400}'],
  ['half of a surrogate pair', String.raw`{"a":"\ud800"}`],
  ['half of a surrogate pair in a key', String.raw`{"\udc00":1}`],
] as const)
  test(`${what} has no canonical form`, () => {
    assert.throws(() => canonicalJson(JSON.parse(text)), TypeError);
  });

test('it says the same of equal values in any order of keys and with any space, and is read as the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = canonicalJson(JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(JSON.parse(JSON.stringify(turned(value), null, 2))), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, turned(inner)]),
  );
}
