import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { givenArguments, readArguments } from '../../../sidecar/filter/call-arguments.ts';

const read = (text: string) => {
  const raw = Buffer.from(text);
  return readArguments(raw, { start: 0, end: raw.length });
};

describe('the arguments of a call', () => {
  test('are CEL’s values: whole numbers are integers', () => {
    assert.deepEqual(read('{"a":1,"b":1.0,"c":1.5,"d":"1","e":[null,true,{"f":-2}]}'), {
      value: { a: 1n, b: 1n, c: 1.5, d: '1', e: [null, true, { f: -2n }] },
      keys: new Set(['a', 'b', 'c', 'd', 'e', 'f']),
    });
  });

  test('that are not there have no members', () => {
    for (const none of [readArguments(Buffer.from(''), undefined), read('null'), givenArguments({})])
      assert.deepEqual(none, { value: {}, keys: new Set() });
  });

  for (const [what, text, problem] of [
    [
      'a key twice, however deep and however written',
      '{"a":[{"b":1,"\\u0062":2}]}',
      'the arguments have a key twice',
    ],
    [
      'integers that JavaScript reads as others',
      '{"a":9007199254740993}',
      'the arguments hold an integer beyond 2^53',
    ],
    ['a list in place of names', '[1]', 'the arguments are no object'],
    ['very many values', `{"a":[${'1,'.repeat(2_000)}1]}`, 'the arguments hold more than 2000 values'],
    ['very many bytes', `{"a":"${'x'.repeat(65_536)}"}`, 'the arguments are over 65536 bytes'],
  ] as const)
    test(`with ${what} are nothing to decide on`, () => assert.deepEqual(read(text), { problem }));

  test('may hold what looks like keys', () => {
    assert.ok('value' in read('{"a":"\\"b\\":1,\\"b\\":2","c:":{":":":"}}'));
  });
});
