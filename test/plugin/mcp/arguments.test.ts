import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments, type Schema } from '../../../plugin/mcp/arguments.ts';

const schema: Schema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    deep: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'integer' } },
    point: { $ref: '#/$defs/point' },
    maybe: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    either: { type: ['string', 'number'] },
    level: { enum: [1, 2, 3] },
    anything: true,
  },
  $defs: { point: { type: 'object' } },
};

for (const [words, expected] of [
  [['text=hello'], { text: 'hello' }],
  [['text=42'], { text: '42' }],
  [['text='], { text: '' }],
  [['text=a=b:=c'], { text: 'a=b:=c' }],
  [['count=42'], { count: 42 }],
  [['ratio=-1.5e3'], { ratio: -1500 }],
  [['deep=true'], { deep: true }],
  [['tags=a', 'tags=b'], { tags: ['a', 'b'] }],
  [['sizes=1', 'sizes=2'], { sizes: [1, 2] }],
  [['tags=["a","b"]'], { tags: ['a', 'b'] }],
  [['point={"x":1}'], { point: { x: 1 } }],
  [['maybe=null'], { maybe: null }],
  [['maybe=7'], { maybe: 7 }],
  [['either=7'], { either: '7' }],
  [['either:=7'], { either: 7 }],
  [['level=2'], { level: 2 }],
  [['anything=x'], { anything: 'x' }],
  [['text:="quoted"'], { text: 'quoted' }],
] as const) {
  test(`${words.join(' ')} is ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(parseArguments(words, schema), expected));
}

for (const [words, message] of [
  [['count=1.5'], /argument "count": "1\.5" is not integer/],
  // 2^53 + 1 would arrive as 2^53.
  [['count=9007199254740993'], /is not integer/],
  [['deep=yes'], /argument "deep": "yes" is not boolean/],
  [['point=[1]'], /argument "point": "\[1\]" is not object/],
  [['sizes=x'], /argument "sizes": "x" is not integer/],
  [['count:={'], /argument "count": not JSON/],
  [['txt=x'], /the tool has no argument "txt"; it takes "text", "count"/],
  [['text'], /invalid argument "text" for "--arg" flag: expected NAME=VALUE or NAME:=JSON/],
  [['=x'], /invalid argument "=x"/],
  [[':=1'], /invalid argument ":=1"/],
] as const) {
  test(`${words.join(' ')} is refused`, () =>
    assert.throws(() => parseArguments(words, schema), { message }));
}

test('a missing required argument is named with its type', () => {
  assert.throws(() => parseArguments([], { ...schema, required: ['text', 'count'] }), {
    message: 'the tool needs --arg text=<string> --arg count=<integer>',
  });
});

test('an open schema takes what it does not declare, as text', () => {
  assert.deepEqual(parseArguments(['x=1'], { type: 'object' }), { x: '1' });
  assert.deepEqual(parseArguments(['x=1'], { properties: {}, additionalProperties: { type: 'integer' } }), {
    x: 1,
  });
});

test('names of Object.prototype are arguments like all others', () => {
  const open = { type: 'object', additionalProperties: true } as const;
  for (const name of ['constructor', '__proto__']) {
    assert.deepEqual(Object.entries(parseArguments([`${name}=1`], open)), [[name, '1']]);
  }
});
