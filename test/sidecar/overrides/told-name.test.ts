import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createToldNameEditor } from '../../../sidecar/overrides/told-name.ts';

const edit = createToldNameEditor('get', 'fetch');
const told = (message: object): object => JSON.parse(edit(Buffer.from(JSON.stringify(message))).toString());
const error = (message: string) => ({ jsonrpc: '2.0', id: 1, error: { code: -32602, message } });
const result = (isError: boolean, text: string) => ({
  result: { content: [{ type: 'text', text }], isError },
});

const failed = (words: string) => ({ result: { taskId: 't', status: 'failed', ...error(words) } });
const ended = (words: string) => ({
  result: { taskId: 't', status: 'completed', ...result(true, words) },
});

describe('the name of a tool in the server’s errors', () => {
  for (const [given, shown] of [
    [
      'Invalid arguments for tool get: [{"path":["a"]}]',
      'Invalid arguments for tool fetch: [{"path":["a"]}]',
    ],
    ['Tool "get" not found', 'Tool "fetch" not found'],
    ["unknown tool: 'get'", "unknown tool: 'fetch'"],
    ['Tool get disabled', 'Tool fetch disabled'],
  ] as const)
    test(`is that which was called: ${shown}`, () => {
      assert.deepEqual(told(error(given)), error(shown));
      assert.deepEqual(told(result(true, given)), result(true, shown));
      assert.deepEqual(told(result(false, given)), result(false, given));
    });

  for (const words of ['cannot get pods', 'tool get_pods is none', 'toolget', 'tool getter', 'a pool get'])
    test(`is not taken for a word: ${words}`, () => assert.deepEqual(told(error(words)), error(words)));

  test('is told in what a task has come to, too', () => {
    assert.deepEqual(told(failed('Tool get disabled')), failed('Tool fetch disabled'));
    assert.deepEqual(told(ended('Tool get disabled')), ended('Tool fetch disabled'));
  });

  test('leaves every other byte', () => {
    const message = Buffer.from('{ "id":1, "error":{"message":"tool get", "data":1e2} ,"jsonrpc":"2.0"}');
    assert.equal(edit(message).toString(), message.toString().replace('tool get', 'tool fetch'));
  });
});
