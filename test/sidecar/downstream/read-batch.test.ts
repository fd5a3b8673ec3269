import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readClientMessage } from '../../../sidecar/client-message.ts';
import { MAX_BATCH_MESSAGES, readBatch } from '../../../sidecar/downstream/read-batch.ts';
import { call, INITIALIZE } from '../wire/post.ts';

const read = (text: string) => readBatch(Buffer.from(text), readClientMessage);
const one = (name = 'a', id: unknown = 1): string => JSON.stringify(call(name, id));
const many = (count: number): string => `[${Array.from({ length: count }, (_, id) => one('a', id)).join()}]`;
const modern = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
});

const REFUSED: Record<string, readonly [text: string, reason: string]> = {
  'no message': ['[ ]', 'not-jsonrpc'],
  'more messages than it may have': [many(MAX_BATCH_MESSAGES + 1), 'not-jsonrpc'],
  'a batch inside': [`[[${one()}]]`, 'not-strict'],
  'a batch as the second message': [`[${one()},[${one('b', 2)}]]`, 'not-strict'],
  initialize: [`[${JSON.stringify(INITIALIZE)}]`, 'not-jsonrpc'],
  'a message of 2026-07-28': [`[${modern}]`, 'not-strict'],
  'one id twice': [`[${one()},${one('b')}]`, 'not-strict'],
  'one id twice, written in two ways': [`[${one()},${one('b').replace('"id":1', '"id":1.0')}]`, 'not-strict'],
  'one id twice, once escaped': [
    `[${one('a', 'x')},${one('b', 'x').replace('"x"', '"\\u0078"')}]`,
    'not-strict',
  ],
  'a message with two readings': [
    `[${one()},${one('b', 2).replace('"name"', '"Name":"c","name"')}]`,
    'not-strict',
  ],
  'a trailing comma': [`[${one()},]`, 'not-json'],
  'a leading comma': [`[,${one()}]`, 'not-json'],
  'no comma between': [`[${one()} ${one('b', 2)}]`, 'not-json'],
  'no end': [`[${one()}`, 'not-json'],
  'no end of a message': [`[${one().slice(0, -1)}]`, 'not-json'],
  'another bracket at its end': [`[${one()}}`, 'not-json'],
  'a bracket for a brace inside': [`[${one().slice(0, -1)}]]`, 'not-json'],
  'something behind it': [`[${one()}]{}`, 'not-json'],
  'a number': ['[1]', 'not-json'],
  'null as a message': ['[null]', 'not-json'],
  'an open bracket alone': ['[', 'not-json'],
};

describe('a batch with', () => {
  for (const [what, [text, reason]] of Object.entries(REFUSED))
    test(`${what} is refused as a whole`, () => {
      const verdict = read(text);
      assert.ok('reason' in verdict, 'it was read');
      assert.equal(verdict.reason, reason, JSON.stringify(verdict));
    });

  test('as many messages as it may have is read', () => {
    const messages = read(many(MAX_BATCH_MESSAGES));
    assert.ok(!('reason' in messages));
    assert.equal(messages.length, MAX_BATCH_MESSAGES);
  });
});

/** Texts with what a cut may go wrong at. */
const GAPS = ['', ' ', '\n\t'];
const batchText = fc
  .tuple(fc.array(fc.jsonValue({ maxDepth: 3 }), { minLength: 1, maxLength: 6 }), fc.constantFrom(...GAPS))
  .map(([values, gap]) => {
    const texts = values.map((each, id) =>
      JSON.stringify(call('t', id, { each, text: '}],["\\' }), null, gap)!,
    );
    return { texts, text: `${gap}[${gap}${texts.join(`${gap},${gap}`)}${gap}]${gap}` };
  });

test('the bytes of each message are those that came, wherever brackets, quotes and white space stand', () => {
  fc.assert(
    fc.property(batchText, ({ texts, text }) => {
      const messages = read(text);
      // Keys that are made up may be refused; then all of it is.
      if ('reason' in messages)
        return assert.ok(texts.some((each) => 'reason' in readClientMessage(Buffer.from(each))));
      assert.deepEqual(
        messages.map(({ raw }) => raw.toString()),
        texts,
      );
    }),
  );
});

test('what is read as a batch after a byte was changed is one for JSON.parse too, with the same messages', () => {
  let count = 0;
  fc.assert(
    fc.property(batchText, fc.nat(), fc.constantFrom(...'[]{},":\\ 1a'), ({ text }, where, by) => {
      const bytes = Buffer.from(text);
      bytes[where % bytes.length] = by.charCodeAt(0);
      const messages = readBatch(bytes, readClientMessage);
      if ('reason' in messages) return;
      count++;
      assert.deepEqual(
        messages.map(({ raw }) => JSON.parse(raw.toString())),
        JSON.parse(bytes.toString()),
      );
    }),
    { numRuns: 2_000 },
  );
  assert.ok(count > 100, `${count} were read`);
});
