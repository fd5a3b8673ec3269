import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClientMessage, type ClientMessage } from '../../../sidecar/client-message.ts';
import { createCompletionEditor } from '../../../sidecar/filter/answers.ts';

function completion(uri: string): ClientMessage {
  const params = { ref: { type: 'ref/resource', uri }, argument: { name: 'a', value: '' } };
  const message = readClientMessage(
    Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'completion/complete', params })),
  );
  assert.ok(!('reason' in message));
  return message;
}
const answer = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"completion":{"values":["x","y"]}}}');
const valuesOf = (edited: Buffer): unknown => JSON.parse(edited.toString()).result.completion.values;

test('completions are kept whose URI the caller may know, however the variable is written', () => {
  for (const uri of ['file:///{a}', 'file:///{+a}', 'file:///{a*}', 'file:///{a:3}', 'file:///{a,b}']) {
    const edited = createCompletionEditor(completion(uri), (each) => each.endsWith('/x'))(answer);
    assert.deepEqual(valuesOf(edited), ['x'], uri);
  }
});

test('a template of a million braces is read in no time', () => {
  const edit = createCompletionEditor(completion(`${'{a'.repeat(500_000)}{b`), () => false);
  const startedAtMs = performance.now();
  assert.deepEqual(valuesOf(edit(answer)), []);
  const tookMs = performance.now() - startedAtMs;
  assert.ok(tookMs < 5_000, `${tookMs} ms`);
});
