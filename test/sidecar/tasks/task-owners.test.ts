import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTaskOwners } from '../../../sidecar/tasks/task-owners.ts';

test('a task is its caller’s, also where a server gives two callers the same id', () => {
  const owners = createTaskOwners();
  owners.add('alice', '1', 'a');
  assert.equal(owners.toolOf('bob', '1'), undefined);
  owners.add('bob', '1', 'b');
  assert.deepEqual([owners.toolOf('alice', '1'), owners.toolOf('bob', '1')], ['a', 'b']);
});

test('beyond its bound a caller’s oldest tasks are forgotten, and never another’s', () => {
  const owners = createTaskOwners(2);
  owners.add('bob', '1', 'x');
  for (const id of ['1', '2', '3']) owners.add('alice', id, 'x');
  assert.deepEqual(
    ['1', '2', '3'].map((id) => owners.toolOf('alice', id)),
    [undefined, 'x', 'x'],
  );
  assert.equal(owners.toolOf('bob', '1'), 'x');
});

test('beyond the bound of callers those go who have made no task for longest; an endless id is not kept', () => {
  const owners = createTaskOwners(2, 2);
  for (const owner of ['alice', 'bob', 'alice', 'carol']) owners.add(owner, '1', 'x');
  assert.deepEqual(
    ['alice', 'bob', 'carol'].map((owner) => owners.toolOf(owner, '1')),
    ['x', undefined, 'x'],
  );
  owners.add('carol', 'x'.repeat(2_000), 'x');
  assert.equal(owners.toolOf('carol', 'x'.repeat(2_000)), undefined);
});
