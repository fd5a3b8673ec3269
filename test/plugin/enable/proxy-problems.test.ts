import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../../../plugin/enable/proxy-problems.ts';

test('what a new proxy complains of is told once, but for a server that is not there yet', () => {
  const lacking = 'service account demo/default may not have tokens reviewed: kubectl create …';
  const policy = 'ConfigMap rules: policy.yaml: tools.alow: unknown key';
  assert.deepEqual(
    problemsOf({
      servers: [
        { name: 'a', connected: true, error: lacking, problems: [lacking] },
        { name: 'b', connected: true, problems: [policy] },
        { name: 'c', connected: false, error: 'connect ECONNREFUSED 127.0.0.1:3001' },
      ],
    }),
    [lacking, policy],
  );
  assert.deepEqual(problemsOf({ servers: [{ name: 'a', connected: true }] }), []);
  assert.deepEqual(problemsOf(undefined), []);
});
