import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createOwnAnswerEditor } from '../../../sidecar/pins/own-answer.ts';

const edit = (text: string, id = '1'): string => createOwnAnswerEditor(id)(Buffer.from(text)).toString();

describe('on the stream of a request', () => {
  for (const [text, id] of [
    ['{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}', '1'],
    ['{"jsonrpc":"2.0","id":"tools","result":{}}', '"tools"'],
    ['{"jsonrpc":"2.0","id":2,"result":{"content":[]}}', '1'],
    ['{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}', '1'],
    ['{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"tools"}}', '1'],
    ['{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":"tools"}}', '1'],
  ] as const)
    test(`${text} goes out`, () => {
      assert.equal(edit(text, id), text);
    });

  for (const text of [
    '{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}',
    '{"jsonrpc":"2.0","id":"1","result":{"tools":[]}}',
    '{"jsonrpc":"2.0","result":{"Tools":[]}}',
    String.raw`{"jsonrpc":"2.0","id":2,"result":{"to\u006fls":[]}}`,
    '{"jsonrpc":"2.0","Id":1,"result":{"tools":[]}}',
    '{"jsonrpc":"2.0","id":2,"Result":{"tools":[]}}',
  ])
    test(`${text} does not`, () => {
      assert.equal(edit(text), '');
    });

  for (const text of [
    '{"jsonrpc":"2.0","id":1,"ID":2,"result":{"tools":[]}}',
    '{"jsonrpc":"2.0","id":2,"result":{},"Result":{"tools":[]}}',
  ])
    test(`${text} ends it`, () => {
      assert.throws(() => edit(text), TypeError);
    });
});
