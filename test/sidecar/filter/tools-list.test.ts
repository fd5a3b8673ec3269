import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileFilter } from '../../../sidecar/filter/decide-tool.ts';
import { createToolsListEditor } from '../../../sidecar/filter/tools-list.ts';

const decide = compileFilter({ mode: 'all', denyTools: ['bad*'] });
assert.ok(decide);
const editor = () => createToolsListEditor(decide);
const edit = (text: string, by = editor()): string => by(Buffer.from(text)).toString();

/** Spellings that parsing and writing anew would change. */
const KEPT = [
  '{"name":"big","inputSchema":{"maximum":123456789012345678901234567890,"x":1.0,"y":1E+2,"z":-0}}',
  '{ "name" :\t"spaced" ,\r\n "description" : "a]}, \\"{[" }',
  '{"name":"unicode","description":"é😀\u2028 \\u00e9 \\ud83d\\ude00 \\/"}',
  '{"n\\u0061me":"escaped key"}',
  '{"name":"twice","name":"the last one counts"}',
  '{"name":"","description":"empty name"}',
];
const DROPPED = [
  '{"name":"bad"}',
  '{"name":"bad-2","inputSchema":{"a":["]","}"]}}',
  '{"n\\u0061me":"b\\u0061d"}',
  '{"name":"good","name":"bad"}',
  '{"description":"no name"}',
  '{"name":7}',
  'null',
  '"bad"',
];

const wholeList = (tools: readonly string[], glue: string) =>
  `{ "jsonrpc":"2.0", "result" : {"nextCursor":"a\\u002fb", "tools":[${tools.join(glue)}] ,"ttlMs":1e3}\n,"id":9007199254740993}`;
const listOf = (id: string, ...names: string[]) =>
  `{"jsonrpc":"2.0","id":${id},"result":{"tools":[${names.map((name) => `{"name":"${name}"}`).join(',')}]}}`;

describe('the editor of lists of tools', () => {
  test('leaves out what is not allowed and no other byte', () => {
    const all = [...KEPT, ...DROPPED].toSorted();
    const kept = all.filter((tool) => KEPT.includes(tool));
    assert.equal(edit(wholeList(all, ' ,\n ')), wholeList(kept, ','));
  });

  for (const [name, message] of Object.entries({
    'a list without tools': '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}',
    'another result': '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\\"tools\\""}]}}',
    'the capabilities': '{"jsonrpc":"2.0","id":1,"result":{"capabilities":{"tools":{"listChanged":true}}}}',
    'an error': '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"\\"tools\\""}}',
    'a notification':
      '{"jsonrpc":"2.0","method":"notifications/message","params":{"tools":[{"name":"bad"}]}}',
  })) {
    test(`returns ${name} as it is`, () => assert.equal(edit(message), message));
  }

  for (const [name, before, after] of [
    ['id in front', '{"jsonrpc":"2.0","id":1,"result":', '}'],
    ['id behind', '{"result":', ',"jsonrpc":"2.0","id":1}'],
    ['escaped result', '{"id":1,"r\\u0065sult":', '}'],
    ['a result in the id', '{"id":"\\"result\\":{\\"tools\\":[]}","result":', '}'],
    ['a result twice', '{"result":{"tools":[{"name":"bad"}]},"result":', ',"id":1}'],
    ['a result elsewhere', '{"x":{"result":{"tools":[]}},"result":', ',"id":1}'],
  ] as const) {
    test(`finds the list with ${name}`, () => {
      const by = editor();
      for (let round = 0; round < 3; round++)
        assert.equal(
          edit(`${before}{"tools":[{"name":"bad"},{"name":"good"}]}${after}`, by),
          `${before}{"tools":[{"name":"good"}]}${after}`,
        );
    });
  }

  test('finds a list whose own key is escaped', () => {
    assert.equal(
      edit('{"id":1,"result":{"t\\u006fols":[{"name":"bad"}]}}'),
      '{"id":1,"result":{"t\\u006fols":[]}}',
    );
  });

  test('answers an equal list with another id rightly, and another list of equal length', () => {
    const by = editor();
    for (const [id, name] of [
      ['1', 'aaa'],
      ['"two"', 'aaa'],
      ['3', 'bbb'],
      ['3', 'aaa'],
      [`"${'x'.repeat(400)}"`, 'aaa'],
      ['5', 'aaa'],
    ] as const)
      assert.equal(edit(listOf(id, name, 'bad'), by), listOf(id, name));
    assert.equal(edit(listOf('6', 'bad', 'bad'), by), '{"jsonrpc":"2.0","id":6,"result":{"tools":[]}}');
  });

  test('does not take a list in another place for the one that it remembers', () => {
    const by = editor();
    const good = '{"tools":[{"name":"good"}]}';
    const bad = '{"tools":[{"name":"bad"}]}';
    assert.equal(edit(`{"id":1,"result":${good}}`, by), `{"id":1,"result":${good}}`);
    for (const text of [
      `{"x":{"result":${good}},"result":${bad}}`,
      `{"result":${good},"result":${bad}}`,
      `{"result":${good},"r\\u0065sult":${bad}}`,
    ])
      assert.equal(edit(text, by), text.replace('{"name":"bad"}', ''), text);
  });

  test('keeps the bytes of the tools that stay, also where they are no UTF-8', () => {
    const message = Buffer.from('{"result":{"tools":[{"name":"good","x":"\xff"},{"name":"bad"}]}}', 'latin1');
    assert.equal(editor()(message).toString('latin1'), '{"result":{"tools":[{"name":"good","x":"\xff"}]}}');
  });

  test('lets no tool through that is not allowed, and changes none that is', () => {
    const name = fc.constantFrom('good', 'bad', 'bad"2', 'ok\\', 'é', '"result":', ']}');
    const tool = fc.record({
      name,
      description: fc.string({ unit: 'grapheme' }),
      inputSchema: fc.jsonValue(),
    });
    const by = editor();
    fc.assert(
      fc.property(
        fc.array(tool, { maxLength: 5 }),
        fc.oneof(fc.string(), fc.integer()),
        fc.constantFrom(0, 1, 2),
        (tools, id, indent) => {
          const message = { jsonrpc: '2.0', id, result: { tools, nextCursor: 'x' } };
          const after = JSON.parse(edit(JSON.stringify(message, undefined, indent), by));
          const kept = tools.filter((each) => !each.name.startsWith('bad'));
          assert.deepEqual(
            after,
            JSON.parse(JSON.stringify({ ...message, result: { tools: kept, nextCursor: 'x' } })),
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
