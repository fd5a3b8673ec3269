import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupSelfTimes } from './profile.ts';
import { verdictOf } from './report.ts';
import { median } from './scenarios.ts';

const frame = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url } });

test('the median of an even count lies between the middle two', () => {
  assert.equal(median([9, 1, 4, 2]), 3);
  assert.equal(median([9, 1, 4]), 4);
});

test('a verdict says which of goal and must a figure meets', () => {
  const budget = { must: 2.9, goal: 2.1 };
  assert.deepEqual(
    [2.1, 2.2, 2.9, 2.91].map((value) => verdictOf(value, budget)),
    ['goal met', 'must met', 'must met', 'OVER'],
  );
});

test('self times are grouped by what a person can act on', () => {
  const sums = groupSelfTimes({
    nodes: [
      frame(1, '(idle)'),
      frame(2, 'writev'),
      frame(3, 'onIncoming', 'node:_http_server'),
      frame(4, 'judge', 'file:///app/sidecar/policy/filter.ts'),
      frame(5, 'parse', 'file:///app/node_modules/zod/v4/core.js'),
    ],
    samples: [1, 2, 3, 4, 5, 2],
    timeDeltas: [1000, 2000, 3000, 4000, 5000, 6000],
  });
  assert.deepEqual(Object.fromEntries(sums), {
    idle: 1,
    'socket writes': 8,
    'node: HTTP': 3,
    'sidecar/policy/filter.ts': 4,
    zod: 5,
  });
});
