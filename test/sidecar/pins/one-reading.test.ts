import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkEnvelope, hasOneReading } from '../../../sidecar/pins/one-reading.ts';

describe('one reading', () => {
  for (const [text, expected] of [
    ['{"name":"a","description":"x: {y}"}', true],
    ['{"name":"a","description":"evil","description":"good"}', false],
    ['{"name":"a","inputSchema":{"a":1,"a":2}}', false],
    [String.raw`{"name":"a","\u006eame":"b"}`, false],
  ] as const)
    test(`${expected ? 'has' : 'has not'} ${text}`, () => {
      assert.equal(hasOneReading(Buffer.from(text), JSON.parse(text)), expected);
    });

  test('has not what is no UTF-8', () => {
    const bytes = Buffer.from('{"name":"a\xff"}', 'latin1');
    assert.equal(hasOneReading(bytes, JSON.parse(bytes.toString())), false);
  });
});

describe('an answer with a list', () => {
  const list = '[{"name":"a"}]';
  for (const text of [
    `{"jsonrpc":"2.0","id":1,"result":{"tools":${list}}}`,
    `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`,
    `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"result"}}`,
  ])
    test(`${text} is read in one way`, () => {
      assert.doesNotThrow(() => checkEnvelope(Buffer.from(text)));
    });

  for (const text of [
    `{"jsonrpc":"2.0","id":1,"result":{"tools":${list},"Tools":[{"name":"b"}]}}`,
    `{"jsonrpc":"2.0","id":1,"result":{"tools":${list},"tools":[{"name":"b"}]}}`,
    `{"jsonrpc":"2.0","id":1,"result":{"TOOLS":${list}}}`,
    `{"jsonrpc":"2.0","id":1,"Result":{"tools":${list}}}`,
    `{"jsonrpc":"2.0","id":1,"result":{},"result":{"tools":${list}}}`,
  ])
    test(`${text} is not`, () => {
      assert.throws(() => checkEnvelope(Buffer.from(text)), /can be read as/);
    });
});
