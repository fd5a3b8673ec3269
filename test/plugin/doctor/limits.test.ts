/** Limits of a namespace while all pods run: what is told of the next ones, and what is not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limitChecks } from '../../../plugin/doctor/checks/limits.ts';
import { runChecks } from '../../../plugin/doctor/run.ts';
import type { Values } from '../../../plugin/doctor/snapshot.ts';
import { type Mutable, snapshot } from './fixtures.ts';

const outcomes = (breakIt: (values: Mutable<Values>) => void) =>
  runChecks(limitChecks, snapshot(breakIt)).map(({ check, outcome }) => [check.code, outcome]);
const used = (values: Mutable<Values>, pods: string) => {
  values.limits['demo']!.quotas![0]!.status!.used = { pods };
};
const strategy = (values: Mutable<Values>, value: object) =>
  Object.assign(values.workloads[0]!.spec, { strategy: value });

describe('limits, while all pods of a workload run', () => {
  const cases: [title: string, breakIt: (values: Mutable<Values>) => void, security: string, room: string][] =
    [
      [
        'a level that came later is a warning',
        (values) => (values.namespaceLabels['demo'] = { 'pod-security.kubernetes.io/enforce': 'restricted' }),
        'warning',
        'passed',
      ],
      [
        'a LimitRange that came later is a warning',
        (values) => (values.limits['demo']!.limitRanges![0]!.spec!.limits[0]!.max = { cpu: '500m' }),
        'passed',
        'warning',
      ],
      ['a quota without room for an update is a warning', (values) => used(values, '2'), 'passed', 'warning'],
      [
        'an update that ends the old pod first needs no room',
        (values) => {
          used(values, '2');
          strategy(values, { type: 'Recreate' });
        },
        'passed',
        'passed',
      ],
      [
        'an update that may end one pod of three needs no room',
        (values) => {
          used(values, '2');
          strategy(values, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } });
        },
        'passed',
        'passed',
      ],
      [
        'a third of three is one',
        (values) => {
          used(values, '2');
          values.workloads[0]!.spec.replicas = 3;
          values.pods = [0, 1, 2].map(() => structuredClone(values.pods[0]!));
          Object.assign(values.workloads[0]!.status!, {
            replicas: 3,
            updatedReplicas: 3,
            availableReplicas: 3,
          });
          strategy(values, { rollingUpdate: { maxUnavailable: '34%' } });
        },
        'passed',
        'passed',
      ],
      [
        'a StatefulSet ends the old pod first',
        (values) => {
          used(values, '2');
          values.workloads[0]!.kind = 'StatefulSet';
        },
        'passed',
        'passed',
      ],
      [
        'nothing is wanted',
        (values) => {
          used(values, '2');
          values.workloads[0]!.spec.replicas = 0;
          values.pods = [];
          Object.assign(values.workloads[0]!.status!, {
            replicas: 0,
            updatedReplicas: 0,
            availableReplicas: 0,
          });
        },
        'passed',
        'passed',
      ],
      [
        'a quota of another namespace is none of it',
        (values) => {
          values.limits = { other: values.limits['demo']! };
          used({ ...values, limits: { demo: values.limits['other']! } }, '2');
        },
        'passed',
        'passed',
      ],
    ];
  for (const [title, breakIt, security, room] of cases) {
    test(title, () => {
      assert.deepEqual(outcomes(breakIt), [
        ['MCP901', security],
        ['MCP903', room],
      ]);
    });
  }

  test('what may not be read is said', () => {
    const results = runChecks(
      limitChecks,
      snapshot(undefined, { limits: 'no permission', namespaceLabels: 'none' }),
    );
    assert.deepEqual(
      results.map(({ outcome, reason }) => [outcome, reason]),
      [
        ['skipped', 'none'],
        ['skipped', 'no permission'],
      ],
    );
  });
});
