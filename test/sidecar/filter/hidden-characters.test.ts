import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { flaggedIn, hiddenIn, visible } from '../../../sidecar/filter/hidden-characters.ts';

describe('hidden characters', () => {
  for (const [what, text, expected] of [
    ['plain text', 'Adds two numbers.\n\t1. a\r\n2. b', []],
    ['umlauts and dashes', 'Größe – „so“ … ½ €', []],
    ['pictures', '✅ done ⚠️ ☁️ 👩‍💻 👨‍👩‍👧‍👦 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} 1️⃣ ☺︎', []],
    ['Persian with its joiner', 'می‌خواهم', []],
    ['Hindi with its joiner', 'क्‍ष', []],
    ['a variant of a Han character', '葛\u{e0100}城', []],
    ['a mark in Hebrew', 'שלום (ABC)\u200f', []],
    ['a zero-width space', 'a\u200bb', ['U+200B']],
    ['a joiner between Latin letters', 'a\u200db', ['U+200D']],
    ['an override of direction', 'a\u202eb\u202c', ['U+202E', 'U+202C']],
    ['a mark without Hebrew or Arabic', 'a\u200fb', ['U+200F']],
    ['an isolate, in Hebrew too', 'שלום\u2066a', ['U+2066']],
    ['tag characters', 'hi\u{e0068}\u{e0069}', ['U+E0068', 'U+E0069']],
    ['bytes as variation selectors', 'a\u{e0110}\u{e0120}', ['U+E0110', 'U+E0120']],
    ['an escape of terminals', 'a\u001b[8mb', ['U+001B']],
    ['a soft hyphen and a word joiner', 'a\u00ad\u2060b', ['U+00AD', 'U+2060']],
    ['a filler that is a letter', 'a\u3164', ['U+3164']],
    ['a line separator', 'a\u2028b', ['U+2028']],
  ] as const)
    test(`in ${what}: ${expected.join(', ') || 'none'}`, () => {
      assert.deepEqual(hiddenIn(text), expected);
    });

  test('are spelled out for eyes, and nothing else is changed', () => {
    assert.equal(visible('a\u202eb\n\u001b[2J'), 'a<U+202E>b\n<U+001B>[2J');
    assert.equal(visible('👩‍💻 ok'), '👩‍💻 ok');
  });
});

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });

describe('tools are flagged', () => {
  test('not, as a rule', () => {
    assert.deepEqual(
      flaggedIn([tool('get_weather'), tool('get-weather2'), tool('a.b/c'), null, { title: 'x' }]),
      [],
    );
  });

  for (const [name, what] of [
    ['get_we\u0430ther', 'mixes letters of Latin and Cyrillic'],
    ['get\u200b_weather', 'has U+200B, which is not seen'],
    ['wetter für heute', 'has U+0020, U+00FC, which names of tools should not have'],
  ])
    test(`whose name ${what}`, () => {
      assert.deepEqual(flaggedIn([tool(name!)]), [{ tool: name, where: 'name', what }]);
    });

  for (const [one, other] of [
    ['list_items', '1ist_items'],
    ['get_all', 'get_aIl'],
    ['get_data', 'get_dаta'],
    ['form', 'forrn'],
    ['save', 'ｓave'],
    ['get', 'g\u200bet'],
  ] as const)
    test(`whose names look alike: ${JSON.stringify(one)}, ${JSON.stringify(other)}`, () => {
      const flagged = flaggedIn([tool(one), tool(other)]);
      assert.ok(flagged.some((each) => each.tool === one && each.what.startsWith('looks like')));
    });

  test('at any depth of a schema, and in its keys', () => {
    const inputSchema = {
      type: 'object',
      properties: { 'pa\u200bth': { description: 'a\u{e0041}', enum: ['b\u202e'] } },
    };
    assert.deepEqual(
      flaggedIn([tool('a', { inputSchema })]).map(({ where, what }) => [where, what]),
      [
        ['inputSchema.properties.pa<U+200B>th', 'has U+200B, which is not seen'],
        ['inputSchema.properties.pa<U+200B>th.description', 'has U+E0041, which is not seen'],
        ['inputSchema.properties.pa<U+200B>th.enum.0', 'has U+202E, which is not seen'],
      ],
    );
  });
});
