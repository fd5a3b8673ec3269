import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { watchOutcome } from '../../../sidecar/audit/outcome.ts';
import type { Exchange, Reply } from '../../../sidecar/exchange.ts';

const NOTHING: Reply = { head() {}, chunk() {}, end() {}, fail() {} };

/** What is found out of an answer that comes in pieces of a size. */
function outcomeOf(contentType: 'json' | 'sse', text: string, pieceBytes: number) {
  const exchange = { outcome: 'success' } as Exchange;
  const reply = watchOutcome(exchange, NOTHING);
  reply.head({ status: 200, contentType, headers: {} });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) reply.chunk(bytes.subarray(at, at + pieceBytes));
  reply.end();
  return { outcome: exchange.outcome, error: exchange.error };
}

const filler = 'x'.repeat(70_000);
const text = (value: string) => `{"content":[{"type":"text","text":${JSON.stringify(value)}}]`;
const ANSWERS: [string, string, string][] = [
  ['a success', `{"id":1,"result":${text('ok')}}}`, 'success'],
  ['a success that says so', `{"id":1,"result":${text('ok')},"isError":false}}`, 'success'],
  ['a failed tool', `{"id":1,"result":${text('no')},"isError":true}}`, 'application_error'],
  ['an error', '{"id":1,"error":{"code":-32000,"message":"no"}}', 'application_error'],
  [
    'a failed tool whose data speak of a success first',
    '{"id":1,"result":{"structuredContent":{"isError":false},"isError":true}}',
    'application_error',
  ],
  ['a text about errors', `{"id":1,"result":${text('"isError":true "error"')}}}`, 'success'],
  ['a large success', `{"id":1,"result":${text(filler)},"isError":false}}`, 'success'],
  ['a large text about errors', `{"id":1,"result":${text(`${filler}"isError":true${filler}`)}}}`, 'success'],
  ['a large failed tool', `{"id":1,"result":${text(filler)},"isError": true}}`, 'application_error'],
  [
    'a failed tool with much to say',
    `{"id":1,"result":{"isError":true,"content":${text(filler)}}}}`,
    'application_error',
  ],
];

describe('the outcome of an answer', () => {
  for (const [title, answer, outcome] of ANSWERS) {
    test(`that is ${title} is ${outcome}, in whatever pieces it comes`, () => {
      for (const pieceBytes of answer.length > 10_000 ? [97, 4096, 65_536, 1_000_000] : [1, 7, 33, 1_000]) {
        assert.equal(outcomeOf('json', answer, pieceBytes).outcome, outcome, `body, ${pieceBytes}`);
        const events = `: comment\n\ndata: {"method":"notifications/progress"}\n\ndata: ${answer}\n\n`;
        assert.equal(outcomeOf('sse', events, pieceBytes).outcome, outcome, `events, ${pieceBytes}`);
      }
    });
  }

  test('has the code and the words of an error', () => {
    const { error } = outcomeOf('json', '{"id":1,"error":{"code":-32000,"message":"no"}}', 10);
    assert.deepEqual(error, { code: -32000, message: 'no' });
  });
});
