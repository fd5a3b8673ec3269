import type { V1NetworkPolicy } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesOf, type Plan, templateChangeOf } from '../../../plugin/enable/change.ts';
import { type EnableRequest, planEnable } from '../../../plugin/enable/plan.ts';
import { planDisable } from '../../../plugin/enable/undo.ts';
import { objectName, type Workload } from '../../../plugin/enable/workload.ts';
import { around, request, service, workload } from './fixtures.ts';

const lines = (plan: Plan): string[] =>
  changesOf(plan).map((each) => `${objectName((each.after ?? each.before)!)} ${each.done}`);
const ownKeys = (of: unknown): string[] =>
  Object.keys((of as Workload).spec.template.metadata?.annotations ?? {})
    .filter((each) => each.includes('lo'))
    .map((each) => each.replace('kubectl-mcp.dev/', ''));
const asking = (annotations: EnableRequest['annotations'], more: Partial<EnableRequest> = {}) =>
  request({ annotations: { port: '3001', ...annotations }, ...more });
const LOOPBACK = { lockdown: 'loopback', 'loopback-env': 'HOST=127.0.0.1' };
const services = [service([{ port: 80, targetPort: 3001 }])];
const enabled = (annotations: Record<string, string>): Workload =>
  workload((draft) => {
    draft.spec.template.metadata!.annotations = Object.fromEntries(
      Object.entries({ inject: 'true', name: 'everything', port: '3001', ...annotations }).map(
        ([key, value]) => [`kubectl-mcp.dev/${key}`, value],
      ),
    );
  });
const isolating = (ports: object[], name = 'default'): V1NetworkPolicy => ({
  metadata: { name, namespace: 'demo' },
  spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports }] },
});

describe('enable with --lockdown loopback', () => {
  it('goes to the loopback when the Services lead to the proxy, in a rollout of its own, and dials', () => {
    const plan = planEnable(workload(), around({ services }), asking(LOOPBACK));
    assert.deepEqual(lines(plan), [
      'secret/everything-mcp-keys created',
      'deployment.apps/everything enabled',
      'service/everything repointed',
      'deployment.apps/everything locked down',
    ]);
    assert.deepEqual(ownKeys(plan.template!.after), []);
    assert.deepEqual(ownKeys(plan.closes!.after), ['lockdown', 'loopback-env']);
    assert.equal(plan.dials, true);
    assert.deepEqual(ownKeys(templateChangeOf(plan)!.after), ['lockdown', 'loopback-env']);
    assert.equal(templateChangeOf(plan)!.before, plan.template!.before);
  });

  it('needs one rollout where no Service leads to the server', () => {
    const plan = planEnable(workload(), around(), asking(LOOPBACK));
    assert.deepEqual(ownKeys(plan.template!.after), ['lockdown', 'loopback-env']);
    assert.deepEqual([plan.closes, plan.dials], [undefined, true]);
  });

  it('takes the place of the policy when the port is closed without it', () => {
    const once = planEnable(enabled({}), around(), request());
    const policies = once.after.map((each) => each.after as V1NetworkPolicy);
    const plan = planEnable(enabled({}), around({ policies }), asking(LOOPBACK));
    assert.deepEqual(lines(plan).slice(-2), [
      'deployment.apps/everything enabled',
      'networkpolicy.networking.k8s.io/everything-mcp deleted',
    ]);
    const back = planEnable(enabled(LOOPBACK), around(), asking({ lockdown: 'network-policy' }));
    assert.deepEqual(ownKeys(back.template!.after), ['lockdown']);
    assert.deepEqual(lines(back).slice(-1), ['networkpolicy.networking.k8s.io/everything-mcp created']);
    assert.equal(back.dials, false);
  });

  it('changes nothing, and dials nobody, when it is so already', () => {
    const secrets = [{ metadata: { name: 'everything-mcp-keys', namespace: 'demo' } }];
    const plan = planEnable(enabled(LOOPBACK), around({ secrets }), request({ annotations: {} }));
    assert.deepEqual([lines(plan), plan.dials], [[], false]);
  });

  it('is refused with Services that are kept, which would lead to nobody', () => {
    const kept = planEnable(workload(), around({ services }), asking(LOOPBACK, { keepService: true }));
    assert.match(
      kept.refusals[0]!,
      /^service\/everything leads to the server's own port, which would answer nobody/,
    );
    const other = [service([{ port: 80, targetPort: 7410 }])];
    const plan = planEnable(workload(), around({ services: other }), asking(LOOPBACK, { keepService: true }));
    assert.deepEqual([plan.refusals, plan.dials], [[], true]);
  });

  it('is refused in the webhook’s words where the server cannot be told', () => {
    const plan = planEnable(
      workload(),
      around(),
      asking({ ...LOOPBACK, 'loopback-args': '--host 127.0.0.1' }),
    );
    assert.match(
      plan.faults[0]!,
      /loopback-args: "--host 127.0.0.1" would take the place of the image's own/,
    );
  });

  it('leaves no word of lockdown to one of several servers, which would be refused without the others', () => {
    const several = enabled({ 'a.port': '3001', 'a.loopback-env': 'HOST=127.0.0.1' });
    delete several.spec.template.metadata!.annotations!['kubectl-mcp.dev/port'];
    const fresh = structuredClone(several);
    delete fresh.spec.template.metadata!.annotations!['kubectl-mcp.dev/inject'];
    const plan = planEnable(fresh, around({ services }), request({ annotations: { lockdown: 'loopback' } }));
    assert.deepEqual(plan.faults, []);
    assert.deepEqual(ownKeys(plan.template!.after), []);
    assert.deepEqual(ownKeys(plan.closes!.after), ['a.loopback-env', 'lockdown']);
    const last = plan.closes!.after as Workload;
    const repointed = plan.after[0]!.after as (typeof services)[0];
    assert.deepEqual(ownKeys(planDisable(last, around({ services: [repointed] })).opens!.after), []);
  });

  it('comes back from the loopback before the Services lead to the server again', () => {
    const repointed = planEnable(enabled({}), around({ services }), request()).after[0]!.after;
    const plan = planDisable(enabled(LOOPBACK), around({ services: [repointed as (typeof services)[0]] }));
    assert.deepEqual(lines(plan), [
      'deployment.apps/everything opened',
      'service/everything restored',
      'deployment.apps/everything disabled',
    ]);
    assert.deepEqual(ownKeys(plan.opens!.after), []);
    assert.equal((plan.template!.after as Workload).spec.template.metadata!.annotations, undefined);
    assert.deepEqual(lines(planDisable(enabled(LOOPBACK), around())), [
      'deployment.apps/everything disabled',
    ]);
  });
});

describe('enable, other lockdowns', () => {
  it('is refused where another policy admits the port already, whatever names it', () => {
    for (const ports of [[], [{ port: 3001 }], [{ port: 'mcp' }], [{ port: 3000, endPort: 3010 }], [{}]]) {
      const { refusals } = planEnable(workload(), around({ policies: [isolating(ports)] }), request());
      assert.match(
        refusals[0] ?? '',
        /^networkpolicy.networking.k8s.io\/default admits port 3001 too, and policies add up/,
        JSON.stringify(ports),
      );
    }
  });

  it('is not refused for policies that do not select the pods, do not admit the port, or are for other traffic', () => {
    const elsewhere = isolating([]);
    elsewhere.spec!.podSelector = { matchLabels: { app: 'other' } };
    const egress = isolating([]);
    egress.spec!.policyTypes = ['Egress'];
    const udp = isolating([{ port: 3001, protocol: 'UDP' }]);
    const others = isolating([{ port: 9090 }, { port: 'metrics' }, { port: 2000, endPort: 3000 }]);
    const nobody = isolating([]);
    nobody.spec!.ingress = [];
    for (const policy of [elsewhere, egress, udp, others, nobody]) {
      const plan = planEnable(workload(), around({ policies: [policy] }), request());
      assert.deepEqual(plan.refusals, [], JSON.stringify(policy.spec));
    }
  });

  it('needs no policy, and so is not refused, with the loopback and with none', () => {
    for (const annotations of [LOOPBACK, { lockdown: 'none' }]) {
      const plan = planEnable(workload(), around({ policies: [isolating([])] }), asking(annotations));
      assert.deepEqual(plan.refusals, []);
      assert.ok(!lines(plan).some((each) => each.startsWith('networkpolicy')));
    }
  });

  it('says that nothing closes the port with none', () => {
    const plan = planEnable(workload(), around({ services }), asking({ lockdown: 'none' }));
    assert.ok(plan.warnings.includes('port 3001 stays open: who calls it is not checked'));
    assert.deepEqual(lines(plan).slice(-1), ['service/everything repointed']);
  });

  it('closes the ports of all servers of the pod, and leads each Service port to its own', () => {
    const several = workload((draft) => {
      draft.spec.template.metadata!.annotations = {
        'kubectl-mcp.dev/a.port': '3001',
        'kubectl-mcp.dev/b.port': '3002',
        'kubectl-mcp.dev/b.listen-port': '7420',
      };
    });
    const both = [
      service([
        { name: 'a', port: 80, targetPort: 3001 },
        { name: 'b', port: 81, targetPort: 3002 },
      ]),
    ];
    const plan = planEnable(several, around({ services: both }), request({ annotations: {} }));
    assert.deepEqual(plan.faults, []);
    assert.deepEqual(plan.after[0]!.details, [
      'port 80: targetPort 3001 -> 7410',
      'port 81: targetPort 3002 -> 7420',
    ]);
    assert.deepEqual(plan.after[1]!.details, ['admits TCP/7410, TCP/7420, TCP/7411, TCP/9090']);
  });
});
