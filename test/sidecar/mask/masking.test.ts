import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../../sidecar/exchange.ts';
import { createMasking } from '../../../sidecar/mask/masking.ts';

const exchangeOf = (method: string): Exchange =>
  ({ message: { kind: 'request', method }, head: { method: 'POST' } }) as unknown as Exchange;

test('lists of tools are left as the server wrote them, for pins are of those; other answers are looked at', () => {
  const { result } = createMasking();
  assert.equal(result?.(exchangeOf('tools/list')), undefined);
  for (const method of ['prompts/get', 'resources/read', 'resources/list', 'prompts/list'])
    assert.notEqual(result?.(exchangeOf(method)), undefined, method);
});
