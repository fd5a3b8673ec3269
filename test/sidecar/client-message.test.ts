import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readClientMessage } from '../../sidecar/client-message.ts';

const read = (text: string) => readClientMessage(Buffer.from(text));
const request = (method: string, params: object) =>
  read(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
const reference = (ref: unknown) => request('completion/complete', { ref });

/** What a request is about: what the audit line names, and what headers repeat. */
const TARGETS: Readonly<Record<string, readonly [method: string, params: object, target: string]>> = {
  'a tool': ['tools/call', { name: 'a' }, 'a'],
  'a prompt': ['prompts/get', { name: 'b' }, 'b'],
  'a resource': ['resources/read', { uri: 'file:///c', name: 'x' }, 'file:///c'],
  'a subscription': ['resources/subscribe', { uri: 'file:///d' }, 'file:///d'],
  'a task': ['tasks/cancel', { taskId: 'e', name: 'x' }, 'e'],
  'a completion of a prompt': [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'f', uri: 'x' } },
    'f',
  ],
  'a completion of a resource': [
    'completion/complete',
    { ref: { name: 'x', uri: 'g', type: 'ref/resource' } },
    'g',
  ],
};

describe('a message of a client', () => {
  for (const [name, [method, params, target]] of Object.entries(TARGETS)) {
    test(`is about ${name}`, () => {
      const message = request(method, params);
      assert.ok(!('reason' in message), JSON.stringify(message));
      assert.equal(message.target, target);
    });
  }

  test('is about nothing when its method says so', () => {
    const message = request('tools/list', { name: 'x' });
    assert.ok(!('reason' in message) && message.target === undefined);
  });

  for (const ref of [
    undefined,
    null,
    'a',
    [],
    {},
    { name: 'a' },
    { type: 'ref/prompt', uri: 'a' },
    { type: 'x', name: 'a' },
  ]) {
    test(`is refused with ref ${JSON.stringify(ref)}`, () => {
      const message = reference(ref);
      assert.equal('reason' in message && message.reason, 'params-invalid');
    });
  }

  for (const id of ['1', '-7', '0', '1.0', '1e2', '"a"', '""', '12345678901234567890', '"\\u00e9"']) {
    test(`keeps the bytes of the id ${id}`, () => {
      const message = read(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
      assert.ok(!('reason' in message), JSON.stringify(message));
      assert.equal(message.id, id);
    });
  }

  for (const id of ['1.5', '1e-1', 'null', 'true', '{}', '[]']) {
    test(`is refused with the id ${id}`, () => {
      const message = read(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`);
      assert.equal('reason' in message && message.reason, 'not-jsonrpc');
    });
  }
});
