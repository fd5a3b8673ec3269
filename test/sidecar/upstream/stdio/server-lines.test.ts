import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LineReader } from '../../../../sidecar/upstream/stdio/line-reader.ts';
import { answerOf, readLine } from '../../../../sidecar/upstream/stdio/read-line.ts';
import { rekeyedRequest, withId } from '../../../../sidecar/upstream/stdio/rekey.ts';

function recorded(maxBytes: number) {
  const seen: string[] = [];
  const reader = new LineReader(maxBytes, {
    line: (bytes) => void seen.push(bytes.toString()),
    tooLong: (head, tail) => void seen.push(`too long: ${head.toString()}…${tail.toString()}`),
    endless: () => void seen.push('endless'),
  });
  return { seen, push: (text: string) => reader.push(Buffer.from(text)) };
}

describe('what a process writes', () => {
  test('is cut into lines, wherever the pieces end', () => {
    const text = 'one\r\n\ntwo\nthree é\n';
    for (let size = 1; size <= text.length; size++) {
      const { seen, push } = recorded(1_000);
      for (let at = 0; at < text.length; at += size) push(text.slice(at, at + size));
      assert.deepEqual(seen, ['one', 'two', 'three é'], `in pieces of ${size}`);
    }
  });

  test('is left out where a line is longer than it may be, and given up where it has no end', () => {
    const { seen, push } = recorded(10);
    push('{"id":1,');
    push('xxxxxxxxxx}\nnext\n');
    assert.deepEqual(seen, ['too long: {"id":1,xxxxxxxxxx}…{"id":1,xxxxxxxxxx}', 'next']);
    for (let times = 0; times < 100; times++) push('yyyyyyyyyy');
    push('\nafter\n');
    assert.deepEqual(seen.slice(2), ['endless']);
  });
});

describe('a line', () => {
  const FORMS: readonly [string, string | undefined][] = [
    ['{"jsonrpc":"2.0","id":7,"result":{"id":8}}', 'answer 7'],
    ['{"result":{"jsonrpc":"2.0","id":8},"jsonrpc":"2.0","id":7}', 'answer 7'],
    ['{"error":{"code":1,"message":""},"jsonrpc":"2.0","id":7}', 'answer 7 error'],
    ['{ "id": 7, "jsonrpc": "2.0", "result": {} }', 'answer 7'],
    ['{"jsonrpc":"2.0","id":"a\\"}","result":{}}', 'answer "a\\"}"'],
    ['{"jsonrpc":"2.0","id":1,"method":"roots/list"}', 'request roots/list'],
    [
      '{"method":"notifications/message","params":{"id":7},"jsonrpc":"2.0"}',
      'notification notifications/message',
    ],
    ['{"result":"\\",\\"id\\":9}', undefined],
    ['{"jsonrpc":"2.0","id":7}', undefined],
    ['Listening on stdio', undefined],
    ['{"level":"info"}', undefined],
    ['[1]', undefined],
    ['null', undefined],
  ];
  for (const [line, expected] of FORMS)
    test(`${line} is ${expected ?? 'no message'}`, () => {
      const read = readLine(Buffer.from(line));
      const words =
        read &&
        ('method' in read
          ? `${read.kind} ${read.method}`
          : `answer ${read.id}${read.isError ? ' error' : ''}`);
      assert.equal(words, expected);
      if (read?.kind === 'answer')
        assert.deepEqual(JSON.parse(withId(Buffer.from(line), read.idSpan, '"mine"').toString()), {
          ...JSON.parse(line),
          id: 'mine',
        });
    });

  test('of which the middle is gone still says whose answer it was', () => {
    const [head, tail] = [
      Buffer.from('{"result":{"content":["xxx'),
      Buffer.from('xx"]},"jsonrpc":"2.0","id":12}'),
    ];
    assert.equal(answerOf(head, tail), '12');
    assert.equal(answerOf(Buffer.from('{"jsonrpc":"2.0","id":3,"result":"x'), tail), '3');
    assert.equal(answerOf(Buffer.from('xxxx'), tail), undefined);
  });
});

test("a request gets the id and the token that are its process's, and keeps all other bytes", () => {
  const body =
    '{ "id": "é", "jsonrpc":"2.0","method":"tools/call","params":{"_meta":{"progressToken":1.50},"arguments":{"big":12345678901234567890}}}';
  const { bytes, token } = rekeyedRequest(Buffer.from(body), 42);
  assert.equal(token, '1.50');
  assert.equal(bytes.toString(), body.replace('"é"', '42').replace('1.50', '42'));
});
