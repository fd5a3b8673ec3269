import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupsInJson } from '../../../sidecar/audit/groups.ts';
import { principal } from '../../../sidecar/principal.ts';

const of = (groups: readonly string[], kind: 'oidc' | 'kubernetes' = 'oidc') =>
  groupsInJson(principal({ kind, issuer: '', name: 'a', groups, actors: [] }));

test('groups stand in the record, but those that the name of a service account tells', () => {
  assert.equal(of(['oidc:staff', 'oidc:"a"\n']), String.raw`["oidc:staff","oidc:\"a\"\n"]`);
  assert.equal(of([]), undefined);
  assert.equal(of(['system:authenticated'], 'kubernetes'), undefined);
});

test('groups of the user of an agent stand in the record', () => {
  const user = principal({
    kind: 'kubernetes',
    issuer: '',
    name: 'agents/planner:alice',
    groups: ['agents/planner:staff'],
    actors: ['system:serviceaccount:agents:planner'],
  });
  assert.equal(groupsInJson(user), '["agents/planner:staff"]');
});

test('very many are cut, and that is said', () => {
  const groups = Array.from({ length: 1_000 }, (_, index) => `oidc:group-${index}`);
  const told = JSON.parse(of(groups)!) as string[];
  assert.equal(told.at(-1), `… ${1_001 - told.length} more`);
  assert.deepEqual(told.slice(0, -1), groups.slice(0, told.length - 1));
  assert.ok(of(groups)!.length < 5_000);
});

test('a group that is longer than all that is told is left out alone', () => {
  assert.equal(of(['x'.repeat(5_000)]), '["… 1 more"]');
});
