import type { V1NetworkPolicy } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesOf } from '../../../plugin/enable/change.ts';
import { admittedBlock, DNS, egressChanges, parseEgress } from '../../../plugin/enable/egress.ts';
import { planEnable } from '../../../plugin/enable/plan.ts';
import { planDisable } from '../../../plugin/enable/undo.ts';
import { around, request, workload } from './fixtures.ts';

const wish = [admittedBlock(['203.0.113.0/24'], [443]), DNS];
const policyOf = (changes: ReturnType<typeof egressChanges>) => changes[0]?.after as V1NetworkPolicy;

describe('--egress', () => {
  it('is nothing, anything, or addresses, blocks and Services with a port', () => {
    assert.equal(parseEgress('any'), 'any');
    assert.deepEqual(parseEgress('none'), []);
    assert.deepEqual(
      parseEgress(
        '203.0.113.7:443, 10.0.0.0/8:5432,[2001:db8::1]:443,[fd00::/8]:80,db.data.svc:5432,a.b.svc.cluster.local:1',
      ),
      [
        { cidr: '203.0.113.7/32', port: 443 },
        { cidr: '10.0.0.0/8', port: 5432 },
        { cidr: '2001:db8::1/128', port: 443 },
        { cidr: 'fd00::/8', port: 80 },
        { service: 'db', namespace: 'data', port: 5432 },
        { service: 'a', namespace: 'b', port: 1 },
      ],
    );
  });

  it('names what a policy cannot express', () => {
    for (const text of ['api.github.com:443', 'db:5432', 'db.data:5432', '10.0.0.0/33:80', '1.2.3:80']) {
      assert.throws(
        () => parseEgress(text),
        /a NetworkPolicy knows addresses and pods, no names of hosts/,
        text,
      );
    }
    for (const text of ['', '10.0.0.1', '10.0.0.1:0', '10.0.0.1:70000', 'a:b', ':80', '::1:80', 'none,any']) {
      assert.throws(() => parseEgress(text), /expected none, any or a comma list/, text);
    }
  });

  it('is a policy of its own, the last thing that is done, and disable deletes it', () => {
    const plan = planEnable(workload(), around(), request({ egress: wish }));
    const { after, done, details } = changesOf(plan).at(-1)!;
    assert.deepEqual(
      [after!.metadata!.name, done, details],
      ['everything-mcp-egress', 'created', ['admits 203.0.113.0/24:443', 'admits DNS of kube-system']],
    );
    const { spec } = after as V1NetworkPolicy;
    assert.deepEqual(spec?.policyTypes, ['Egress']);
    assert.deepEqual(spec?.podSelector, { matchLabels: { app: 'everything' } });
    assert.equal(spec?.egress?.length, 2);
    const gone = planDisable(workload(), around({ policies: [after as V1NetworkPolicy] }));
    assert.deepEqual(
      gone.before.map((each) => [each.before!.metadata!.name, each.done]),
      [['everything-mcp-egress', 'deleted']],
    );
  });

  it('admits nothing at all with none, which an absent list of rules would not say', () => {
    const [change] = egressChanges(workload(), 'everything', { wish: [], policies: [] });
    assert.deepEqual((change!.after as V1NetworkPolicy).spec?.egress, []);
    assert.deepEqual(change!.details, ['admits nothing']);
  });

  it('stays as it is when nothing is said, changes, and goes with any', () => {
    const there = policyOf(egressChanges(workload(), 'everything', { wish, policies: [] }));
    const policies = [there];
    const again = (next: typeof wish | 'any' | undefined) =>
      egressChanges(workload(), 'everything', { wish: next, policies }).map(({ done }) => done);
    assert.deepEqual(
      [again(undefined), again(wish), again([]), again('any')],
      [[], [], ['configured'], ['deleted']],
    );
  });

  it('leaves a policy of that name that is not ours, and warns of others that let more out', () => {
    const foreign: V1NetworkPolicy = {
      metadata: { name: 'everything-mcp-egress' },
      spec: { podSelector: {} },
    };
    const plan = planEnable(workload(), around({ policies: [foreign] }), request({ egress: wish }));
    assert.match(plan.faults[0]!, /everything-mcp-egress is not ours/);
    const other: V1NetworkPolicy = {
      metadata: { name: 'all-out' },
      spec: { podSelector: {}, policyTypes: ['Egress'], egress: [{}] },
    };
    const { warnings } = planEnable(workload(), around({ policies: [other] }), request({ egress: wish }));
    assert.ok(
      warnings.some((each) =>
        each.startsWith('networkpolicy.networking.k8s.io/all-out is for what the pods'),
      ),
    );
  });
});
