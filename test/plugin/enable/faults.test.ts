import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultsOf, heldUp } from '../../../plugin/enable/faults.ts';
import { parseWorkloadRef } from '../../../plugin/enable/target.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import { workload } from './fixtures.ts';

describe('a template that cannot be enabled', () => {
  const cases: [string, (draft: Workload) => void, RegExp][] = [
    [
      'is that of a paused Deployment',
      (draft) => (draft.spec.paused = true),
      /is paused[^]*kubectl rollout resume/,
    ],
    [
      'is replaced on deletion only',
      (draft) => (draft.spec.updateStrategy = { type: 'OnDelete' }),
      /updateStrategy OnDelete/,
    ],
    [
      'stays with some of a StatefulSet’s pods',
      (draft) => (draft.spec.updateStrategy = { rollingUpdate: { partition: 2 } }),
      /partition of 2/,
    ],
  ];
  for (const [title, change, expected] of cases) {
    it(title, () => assert.match(heldUp(workload(change))[0]!, expected));
  }

  it('is refused in the webhook’s words', () => {
    const mine = workload((draft) => {
      draft.spec.template.metadata!.annotations = {
        'kubectl-mcp.dev/inject': 'true',
        'kubectl-mcp.dev/port': '3001',
      };
      draft.spec.template.spec!.hostNetwork = true;
    });
    assert.match(
      faultsOf(mine)[0]!,
      /^deployment\.apps\/everything: kubectl-mcp\.dev\/inject: "true" cannot protect a pod with hostNetwork/,
    );
  });
});

describe('the workload of a command line', () => {
  it('is a Deployment unless it says otherwise', () => {
    assert.deepEqual(parseWorkloadRef('web'), { kind: 'Deployment', name: 'web' });
    for (const text of [
      'deploy/web',
      'deployment/web',
      'deployments/web',
      'deployment.apps/web',
      'deployments.apps/web',
    ]) {
      assert.deepEqual(parseWorkloadRef(text), { kind: 'Deployment', name: 'web' }, text);
    }
    assert.deepEqual(parseWorkloadRef('sts/db'), { kind: 'StatefulSet', name: 'db' });
    assert.deepEqual(parseWorkloadRef('daemonset/x'), { kind: 'DaemonSet', name: 'x' });
  });

  it('has a template', () => {
    assert.throws(() => parseWorkloadRef('pod/x'), /pod\/x has no template/);
    for (const text of ['svc/x', 'a/b/c', 'deploy/']) assert.throws(() => parseWorkloadRef(text), text);
  });
});
