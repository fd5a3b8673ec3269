import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OutdatedPod } from '../../../plugin/upgrade/outdated.ts';
import { paced } from '../../../plugin/upgrade/paced.ts';
import { selectTargets } from '../../../plugin/upgrade/select.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import { pod, workload } from '../enable/fixtures.ts';

const named = (name: string, change: (draft: Workload) => void = () => {}): Workload =>
  workload((draft) => {
    draft.metadata.name = name;
    draft.spec.selector = { matchLabels: { app: name } };
    change(draft);
  });
const outdated = (name: string, app: string, owner?: string): OutdatedPod => {
  const found = pod(name, { app });
  const ownerReferences = owner
    ? [{ apiVersion: 'v1', kind: owner, name: 'owner', uid: '1', controller: true }]
    : [];
  return { pod: { ...found, metadata: { ...found.metadata, ownerReferences } }, reasons: ['image a, now b'] };
};
const found = { named: false, all: true };
const namesOf = (targets: readonly { workload: Workload }[]) =>
  targets.map((each) => each.workload.metadata.name);

describe('what a restart renews', () => {
  it('is what has outdated pods, by name, with the reasons counted', () => {
    const { targets, skipped } = selectTargets(
      [named('b'), named('a'), named('fresh')],
      [outdated('b-1', 'b'), outdated('a-1', 'a'), outdated('a-2', 'a')],
      found,
    );
    assert.deepEqual(namesOf(targets), ['a', 'b']);
    assert.deepEqual(targets[0]!.details, ['2 pods: image a, now b']);
    assert.deepEqual(skipped, []);
  });

  it('is what was named, outdated or not', () => {
    const { targets } = selectTargets([named('a')], [], { named: true, all: false });
    assert.deepEqual(namesOf(targets), ['a']);
    assert.deepEqual(targets[0]!.details, []);
  });

  it('is not what a new template would not reach', () => {
    const onDelete = named('a', (draft) => {
      draft.kind = 'DaemonSet';
      draft.spec.updateStrategy = { type: 'OnDelete' };
    });
    const paused = named('b', (draft) => (draft.spec.paused = true));
    const { targets, skipped } = selectTargets(
      [onDelete, paused],
      [outdated('a-1', 'a'), outdated('b-1', 'b')],
      found,
    );
    assert.deepEqual(targets, []);
    assert.match(skipped[0]!, /^daemonset\.apps\/a .* OnDelete.*: kubectl delete pod a-1 -n demo$/);
    assert.match(skipped[1]!, /^deployment\.apps\/b is paused.*\nRun kubectl rollout resume/);
  });

  it('is not what has no rollout', () => {
    const loose = [
      outdated('job-1', 'x', 'Job'),
      outdated('set-1', 'x', 'ReplicaSet'),
      outdated('bare', 'x'),
    ];
    const { skipped } = selectTargets([named('a')], loose, found);
    assert.match(skipped[0]!, /^pod\/job-1 in namespace demo is of job\/owner, which is not restarted: /);
    assert.match(skipped[1]!, /^pod\/set-1 .* is of replicaset\/owner, which has no rollout/);
    assert.match(skipped[2]!, /^pod\/bare .* is of no workload: delete it/);
    assert.deepEqual(selectTargets([named('a')], loose, { ...found, all: false }).skipped, []);
  });
});

const settled = async (limit: number, fails: string[] = []) => {
  const running = new Set<string>();
  let most = 0;
  const begun: string[] = [];
  const outcome = await paced(['a', 'b', 'c', 'd'], limit, async (item) => {
    begun.push(item);
    running.add(item);
    most = Math.max(most, running.size);
    await new Promise(setImmediate);
    running.delete(item);
    if (fails.includes(item)) throw new Error(item);
  });
  return { outcome, most, begun };
};

describe('the pace', () => {
  it('is that many at once, and no more', async () => {
    for (const limit of [1, 2, 9]) {
      const { most, begun, outcome } = await settled(limit);
      assert.equal(most, Math.min(limit, 4));
      assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
      assert.deepEqual(outcome, { failures: [], left: [] });
    }
  });

  it('ends at the first failure, when what is under way has ended', async () => {
    const one = await settled(1, ['b']);
    assert.deepEqual(one.begun, ['a', 'b']);
    assert.deepEqual(one.outcome.left, ['c', 'd']);
    const two = await settled(2, ['a']);
    assert.deepEqual(two.begun, ['a', 'b']);
    assert.deepEqual(
      two.outcome.failures.map(({ item }) => item),
      ['a'],
    );
  });
});
