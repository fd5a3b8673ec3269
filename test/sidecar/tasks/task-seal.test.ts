import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTaskSeal } from '../../../sidecar/tasks/task-seal.ts';

const KEY = Buffer.alloc(32, 7);
const TASK = { id: 'ü "quoted" id', tool: 'slow' };

test('a sealed id opens for the caller that it was made for, and for no other', () => {
  const seal = createTaskSeal('everything', KEY);
  const sealed = seal.seal(TASK, 'alice');
  assert.match(sealed, /^[\w-]+$/);
  assert.ok(!sealed.includes('slow'));
  assert.deepEqual(seal.open(sealed, 'alice'), TASK);
  assert.equal(seal.open(sealed, 'bob'), undefined);
});

test('replicas with the same key know one another’s ids; another server of the pod, and another key, do not', () => {
  const sealed = createTaskSeal('everything', KEY).seal(TASK, 'alice');
  assert.deepEqual(createTaskSeal('everything', KEY).open(sealed, 'alice'), TASK);
  assert.equal(createTaskSeal('other', KEY).open(sealed, 'alice'), undefined);
  assert.equal(createTaskSeal('everything').open(sealed, 'alice'), undefined);
});

test('what was not sealed, or was changed, or is written in another way, is nobody’s', () => {
  const seal = createTaskSeal('everything', KEY);
  const sealed = seal.seal(TASK, 'alice');
  const changed = `${sealed[0] === 'A' ? 'B' : 'A'}${sealed.slice(1)}`;
  for (const each of ['', 'x', TASK.id, changed, `${sealed}=`, `${sealed}\n`, 'A'.repeat(10_000)])
    assert.equal(seal.open(each, 'alice'), undefined, each.slice(0, 20));
});
