import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClientMessage } from '../../../sidecar/client-message.ts';
import type { Exchange } from '../../../sidecar/exchange.ts';
import { createTaskBinding } from '../../../sidecar/tasks/bind-tasks.ts';
import { createTaskOwners } from '../../../sidecar/tasks/task-owners.ts';
import { createTaskSeal } from '../../../sidecar/tasks/task-seal.ts';

test('what a task has come to is passed on whatever its size, as what a call has', () => {
  const { result } = createTaskBinding({
    seal: createTaskSeal('server'),
    owners: createTaskOwners(),
    decide: () => ({ allowed: true, rule: 'default' }),
  });
  for (const [method, params] of [
    ['tasks/result', { taskId: '1' }],
    ['tools/call', { name: 'a', task: {} }],
  ]) {
    const message = readClientMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })));
    const exchange = { message, head: { method: 'POST' }, principal: { digest: 'alice' } } as Exchange;
    assert.equal(result?.(exchange)?.largePass, true, String(method));
  }
});
