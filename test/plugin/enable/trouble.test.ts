import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isLasting,
  nextStep,
  type Trouble,
  troubleKey,
  troublesOf,
  troubleText,
} from '../../../plugin/enable/trouble.ts';
import { pod, workload } from './fixtures.ts';

const enabled = { 'kubectl-mcp.dev/inject': 'true' };
const current = workload((draft) => {
  draft.spec.template.metadata!.annotations = enabled;
});

function waiting(status: Partial<V1ContainerStatus>, annotations: Record<string, string> = enabled): V1Pod {
  const made = pod('p', { app: 'everything' }, annotations);
  made.status!.initContainerStatuses = [
    { name: 'mcp-proxy', image: '', imageID: '', ready: false, restartCount: 0, ...status },
  ];
  return made;
}
const crashing = {
  restartCount: 2,
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
  lastState: { terminated: { exitCode: 1, message: 'invalid configuration\nmore' } },
};
const trouble = (reason: string, restarts = 0, container = 'mcp-proxy'): Trouble => ({
  pod: 'p',
  container,
  reason,
  restarts,
});

describe('why pods do not get ready', () => {
  it('tells how a container ended, not how long the kubelet waits', () => {
    assert.deepEqual(troublesOf(current, [waiting(crashing)]).map(troubleText), [
      'pod p: container mcp-proxy: CrashLoopBackOff: exit code 1, restarts 2: invalid configuration',
    ]);
  });

  it('does not mind a start that takes its time, nor pods of another template', () => {
    const starting = waiting({ state: { waiting: { reason: 'PodInitializing' } } });
    const before = waiting(crashing, {});
    const other = waiting(crashing, { ...enabled, 'kubectl-mcp.dev/port': '1' });
    assert.deepEqual(troublesOf(current, [starting, before, other]), []);
    assert.equal(troublesOf(current, [waiting(crashing, { ...enabled, 'other.dev/x': 'y' })]).length, 1);
  });

  it('lasts when a container has ended several times, or an image is not there for a while', () => {
    const cases: [Trouble, number, boolean][] = [
      [trouble('CrashLoopBackOff', 2), 60_000, false],
      [trouble('CrashLoopBackOff', 3), 0, true],
      [trouble('ImagePullBackOff'), 19_000, false],
      [trouble('ErrImagePull'), 21_000, true],
      [trouble('SomethingNew'), 600_000, false],
    ];
    for (const [each, seenForMs, expected] of cases)
      assert.equal(isLasting(each, seenForMs), expected, `${each.reason} ${each.restarts}`);
    assert.equal(troubleKey(trouble('ErrImagePull')), troubleKey(trouble('ImagePullBackOff')));
  });

  it('has a next command for each', () => {
    assert.match(
      nextStep(trouble('CrashLoopBackOff', 3), 'demo'),
      /--dry-run=client -o yaml \| kubectl mcp inject -f -$/,
    );
    assert.match(nextStep(trouble('ErrImagePull'), 'demo'), /kubectl mcp install --image IMAGE$/);
    assert.match(nextStep(trouble('CrashLoopBackOff', 3, 'server'), 'demo'), /kubectl get events -n demo$/);
  });
});
