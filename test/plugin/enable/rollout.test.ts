import type { V1Pod, V1ReplicaSet } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lagging, refusalOf, rolloutState } from '../../../plugin/enable/rollout.ts';
import type { WorkloadKind } from '../../../plugin/enable/workload.ts';
import { pod, workload } from './fixtures.ts';

const state = (kind: WorkloadKind, status: Record<string, unknown>, replicas = 2) =>
  rolloutState(
    workload((draft) => {
      draft.kind = kind;
      draft.metadata.generation = 3;
      draft.spec.replicas = replicas;
      draft.status = { observedGeneration: 3, ...status };
    }),
  );

const set = (revision: string, reason?: string, uid = 'u'): V1ReplicaSet => ({
  metadata: {
    annotations: { 'deployment.kubernetes.io/revision': revision },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'everything', uid }],
  },
  status: {
    replicas: 0,
    conditions: [{ type: 'ReplicaFailure', status: 'True', ...(reason && { reason }), message: 'no' }],
  },
});

describe('the state of a rollout', () => {
  const cases: [string, WorkloadKind, Record<string, unknown>, RegExp | true][] = [
    [
      'is not known before the controller has seen it',
      'Deployment',
      { observedGeneration: 2 },
      /to be observed/,
    ],
    ['counts new pods', 'Deployment', { updatedReplicas: 1, replicas: 2 }, /1 out of 2 new pods/],
    ['counts old pods', 'Deployment', { updatedReplicas: 2, replicas: 3 }, /1 old pods are pending/],
    [
      'counts available pods',
      'Deployment',
      { updatedReplicas: 2, replicas: 2, availableReplicas: 1 },
      /1 of 2 updated pods are available/,
    ],
    ['ends', 'Deployment', { updatedReplicas: 2, replicas: 2, availableReplicas: 2 }, true],
    [
      'of a StatefulSet ends when the new revision is the current one',
      'StatefulSet',
      { replicas: 2, availableReplicas: 2, currentRevision: 'b', updateRevision: 'b' },
      true,
    ],
    [
      'of a StatefulSet goes on before',
      'StatefulSet',
      { replicas: 2, updatedReplicas: 1, availableReplicas: 2, currentRevision: 'a', updateRevision: 'b' },
      /1 out of 2 new pods/,
    ],
    [
      'of a DaemonSet counts nodes',
      'DaemonSet',
      { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 },
      /2 of 3 updated pods/,
    ],
    [
      'of a DaemonSet ends',
      'DaemonSet',
      { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 },
      true,
    ],
  ];
  for (const [title, kind, status, expected] of cases) {
    it(title, () => {
      const found = state(kind, status);
      assert.equal(found.done, expected === true);
      if (expected !== true) assert.match(found.message, expected);
    });
  }

  it('ends at once where no pod is wanted', () => {
    assert.equal(state('Deployment', {}, 0).done, true);
  });

  it('fails when the deadline is over', () => {
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
    assert.match(state('Deployment', { conditions }).failure!, /progress deadline/);
  });

  it('knows why pods of the newest ReplicaSet are not created, and does not mind an older one', () => {
    const current = workload((draft) => {
      draft.metadata.uid = 'u';
      draft.metadata.annotations = { 'deployment.kubernetes.io/revision': '3' };
    });
    const old = [set('2', 'FailedCreate'), set('3', 'FailedCreate', 'other')];
    assert.equal(refusalOf(current, [...old, set('3', 'FailedCreate')]), 'no');
    assert.equal(refusalOf(current, [...old, set('3', 'FailedDelete')]), undefined);
    assert.equal(refusalOf(current, old), undefined);
    const unseen = workload((draft) => {
      Object.assign(draft.metadata, current.metadata, { generation: 4 });
      draft.status = { observedGeneration: 3 };
    });
    const refused = [...old, set('3', 'FailedCreate')];
    assert.equal(refusalOf(unseen, refused), undefined, 'what was refused before the template changed');
    unseen.status = { observedGeneration: 4 };
    assert.equal(refusalOf(unseen, refused), 'no');
  });
});

describe('the pods of a rollout', () => {
  const labels = { app: 'everything' };

  it('lag while one lacks the sidecar, or still has it; terminating ones do not count', () => {
    const bare = pod('bare', labels);
    const injected: V1Pod = {
      ...pod('injected', labels),
      spec: { containers: [], initContainers: [{ name: 'mcp-proxy' }] },
    };
    const going = pod('going', labels);
    going.metadata!.deletionTimestamp = new Date(0);
    assert.equal(
      lagging(workload(), [bare, injected, going], true),
      'pods without container mcp-proxy: bare',
    );
    assert.equal(
      lagging(workload(), [bare, injected], false),
      'pods still with container mcp-proxy: injected',
    );
    assert.equal(lagging(workload(), [injected, going], true), undefined);
    assert.equal(lagging(workload(), [pod('other', { app: 'other' })], true), undefined);
  });
});
