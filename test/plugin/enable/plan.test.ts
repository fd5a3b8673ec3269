import type { V1NetworkPolicy, V1Secret, V1Service } from '@kubernetes/client-node';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesOf, type Plan } from '../../../plugin/enable/change.ts';
import { planEnable } from '../../../plugin/enable/plan.ts';
import { objectName, type Workload } from '../../../plugin/enable/workload.ts';
import { around, pod, request, service, workload } from './fixtures.ts';

const ORIGINALS = 'kubectl-mcp.dev/original-target-ports';
const lines = (plan: Plan): string[] =>
  changesOf(plan).map((each) => `${objectName((each.after ?? each.before)!)} ${each.done}`);
const annotationsIn = (plan: Plan) => (plan.template!.after as Workload).spec.template.metadata!.annotations!;
const onlyService = (plan: Plan) =>
  plan.after.map((each) => each.after!).find((each) => each.kind === 'Service') as V1Service | undefined;
const policy = (plan: Plan) =>
  plan.after.map((each) => each.after!).find((each) => each.kind === 'NetworkPolicy') as V1NetworkPolicy;
const admitted = (plan: Plan) => policy(plan).spec!.ingress![0]!.ports!.map((each) => each.port);

/** The namespace after the plan was applied. */
const applied = (plan: Plan, before: Workload) => {
  const objects = changesOf(plan).flatMap((each) => each.after ?? []);
  const of = <T>(kind: string) => objects.filter((each) => each.kind === kind) as T[];
  return {
    workload: (plan.template?.after ?? before) as Workload,
    around: around({
      services: of<V1Service>('Service'),
      policies: of<V1NetworkPolicy>('NetworkPolicy'),
      secrets: of<V1Secret>('Secret'),
    }),
  };
};

const isolating = (ports: object[]): V1NetworkPolicy => ({
  metadata: { name: 'default', namespace: 'demo' },
  spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ ports }] },
});

const withHosts = (value: string) => ({
  ...request(),
  annotations: { port: '3001', 'allowed-hosts': value },
});

describe('enable, the plan', () => {
  it('goes from Secrets over the template to the Services and, last, the policy', () => {
    const plan = planEnable(
      workload(),
      around({ services: [service([{ port: 80, targetPort: 3001 }])] }),
      request(),
    );
    assert.deepEqual(lines(plan), [
      'secret/everything-mcp-keys created',
      'deployment.apps/everything enabled',
      'service/everything repointed',
      'networkpolicy.networking.k8s.io/everything-mcp created',
    ]);
    assert.deepEqual(plan.warnings, []);
    assert.deepEqual(plan.refusals, []);
  });

  it('writes inject, name and what was asked for, and leaves other annotations', () => {
    const plan = planEnable(
      workload((draft) => {
        draft.spec.template.metadata!.annotations = { 'example.com/a': 'b' };
      }),
      around(),
      request({ annotations: { port: '3001', 'deny-tools': 'get-env' } }),
    );
    assert.deepEqual(annotationsIn(plan), {
      'example.com/a': 'b',
      'kubectl-mcp.dev/name': 'everything',
      'kubectl-mcp.dev/port': '3001',
      'kubectl-mcp.dev/deny-tools': 'get-env',
      'kubectl-mcp.dev/inject': 'true',
    });
  });

  it('makes a key of 32 bytes and, for tokens, one token, and shows neither', () => {
    const plan = planEnable(workload(), around(), request({ annotations: { port: '3001', auth: 'token' } }));
    const [keys, tokens] = plan.before.map((each) => each.after as V1Secret);
    assert.equal(Buffer.from(keys!.data!.session!, 'base64').length, 32);
    assert.equal(tokens!.metadata!.name, 'everything-mcp-tokens');
    const token = Buffer.from(tokens!.data!.default!, 'base64').toString();
    assert.match(token, /^kmcp_[A-Za-z0-9]{49}$/);
    assert.equal(annotationsIn(plan)['kubectl-mcp.dev/token-secret'], 'everything-mcp-tokens');
    assert.ok(!JSON.stringify(changesOf(plan).map((each) => each.details)).includes(token));
    for (const secret of [keys!, tokens!]) {
      assert.deepEqual(secret.metadata!.labels, {
        'app.kubernetes.io/managed-by': 'kubectl-mcp',
        'app.kubernetes.io/instance': 'everything',
      });
    }
  });

  it('makes no token when a Secret is named', () => {
    const plan = planEnable(
      workload(),
      around(),
      request({ annotations: { port: '3001', auth: 'token', 'token-secret': 'mine' } }),
    );
    assert.deepEqual(
      plan.before.map((each) => each.after!.metadata!.name),
      ['everything-mcp-keys'],
    );
  });

  it('drops an annotation that its new neighbour leaves without effect', () => {
    const enabled = workload((draft) => {
      draft.spec.template.metadata!.annotations = {
        'kubectl-mcp.dev/inject': 'true',
        'kubectl-mcp.dev/audience': 'https://example.com',
      };
    });
    const plan = planEnable(enabled, around(), request({ annotations: { port: '3001', auth: 'none' } }));
    assert.equal(annotationsIn(plan)['kubectl-mcp.dev/audience'], undefined);
  });

  it('changes nothing the second time', () => {
    const before = workload();
    const services = [service([{ port: 80, targetPort: 'mcp' }])];
    for (const annotations of [{ port: '3001' }, { port: '3001', auth: 'token' }]) {
      const once = applied(planEnable(before, around({ services }), request({ annotations })), before);
      const twice = planEnable(once.workload, once.around, request({ annotations: {} }));
      assert.deepEqual(changesOf(twice), []);
      assert.deepEqual(twice.warnings, []);
    }
  });

  it('does not move the listen port under the feet of a rollout', () => {
    const before = workload();
    const once = applied(planEnable(before, around(), request()), before);
    const plan = planEnable(once.workload, once.around, request({ annotations: { 'listen-port': '7500' } }));
    assert.match(plan.faults[0]!, /listen-port cannot change while it is enabled; disable it first/);
  });

  it('says what the webhook would say when the template does not tell the server’s port', () => {
    const plan = planEnable(workload(), around(), request({ annotations: {} }));
    assert.match(
      plan.faults[0]!,
      /^deployment\.apps\/everything: kubectl-mcp\.dev\/port is missing while .* choose one of: 3001 \(mcp\), 9090/,
    );
    assert.deepEqual(plan.after, []);
  });
});

describe('enable, the Services', () => {
  const cases: [title: string, port: object, repointed: boolean, original?: unknown][] = [
    ['the server’s port by number', { port: 80, targetPort: 3001 }, true, 3001],
    ['the server’s port by name', { port: 80, targetPort: 'mcp' }, true, 'mcp'],
    ['the server’s port without a targetPort', { port: 3001 }, true, null],
    ['another port by number', { port: 80, targetPort: 9090 }, false],
    ['another port by name', { port: 80, targetPort: 'metrics' }, false],
    ['a name that no container declares', { port: 80, targetPort: 'nothing' }, false],
    ['the same number of another protocol', { port: 80, targetPort: 3001, protocol: 'UDP' }, false],
  ];
  for (const [title, port, repointed, original] of cases) {
    it(`${repointed ? 'repoints' : 'leaves'} one that reaches ${title}`, () => {
      const services = [service([port as { port: number }])];
      const after = onlyService(planEnable(workload(), around({ services }), request()));
      if (!repointed) return assert.equal(after, undefined);
      assert.equal(after!.spec!.ports![0]!.targetPort, 7410);
      assert.deepEqual(JSON.parse(after!.metadata!.annotations![ORIGINALS]!), {
        [(port as { port: number }).port]: original,
      });
    });
  }

  it('leaves those that select other pods, or none', () => {
    const ports = [{ port: 80, targetPort: 3001 }];
    const services = [service(ports, { selector: { app: 'other' } }), service(ports, { selector: {} })];
    assert.equal(onlyService(planEnable(workload(), around({ services }), request())), undefined);
  });

  it('repoints each port that reaches the server, and only those', () => {
    const services = [
      service([
        { name: 'a', port: 80, targetPort: 3001 },
        { name: 'b', port: 81, targetPort: 'mcp' },
        { name: 'm', port: 9090, targetPort: 'metrics' },
      ]),
    ];
    const after = onlyService(planEnable(workload(), around({ services }), request()))!;
    assert.deepEqual(
      after.spec!.ports!.map((each) => each.targetPort),
      [7410, 7410, 'metrics'],
    );
  });

  it('warns that clients of a headless Service connect past it', () => {
    const services = [service([{ port: 3001, targetPort: 3001 }], { clusterIP: 'None' })];
    const { warnings } = planEnable(workload(), around({ services }), request());
    assert.match(
      warnings[0]!,
      /service\/everything is headless: .* port 3001 themselves; tell them port 7410/,
    );
  });

  it('refuses a Service that also selects pods without a proxy, and takes one whose other pods have it', () => {
    const services = [service([{ port: 80, targetPort: 3001 }], { selector: { tier: 'mcp' } })];
    const mine = workload((draft) => {
      draft.spec.template.metadata!.labels!.tier = 'mcp';
    });
    const other = { app: 'other', tier: 'mcp' };
    const bare = planEnable(mine, around({ services, pods: [pod('other-1', other)] }), request());
    assert.match(bare.refusals[0]!, /^service\/everything also selects pods without a proxy \(other-1\)/);
    const injected = pod('other-1', other, { 'kubectl-mcp.dev/inject': 'true' });
    assert.deepEqual(planEnable(mine, around({ services, pods: [injected] }), request()).refusals, []);
  });

  it('says so when no Service reaches the server, or when they are left alone', () => {
    assert.match(planEnable(workload(), around(), request()).warnings[0]!, /^no Service reaches port 3001/);
    const services = [service([{ port: 80, targetPort: 3001 }])];
    const plan = planEnable(workload(), around({ services }), request({ keepService: true }));
    assert.deepEqual(plan.after, []);
    assert.match(plan.warnings[0]!, /who calls port 3001 is not checked/);
  });
});

describe('enable, the NetworkPolicy', () => {
  it('admits the proxy’s ports, declared ports and ports that Services reach, never the server’s', () => {
    const services = [
      service([
        { port: 80, targetPort: 3001 },
        { port: 8080, targetPort: 8080 },
        { port: 53, targetPort: 5353, protocol: 'UDP' },
      ]),
    ];
    assert.deepEqual(
      admitted(planEnable(workload(), around({ services }), request())),
      [7410, 7411, 9090, 8080, 5353],
    );
  });

  it('opens nothing that another policy keeps closed', () => {
    const plan = planEnable(workload(), around({ policies: [isolating([{ port: 9090 }])] }), request());
    assert.deepEqual(admitted(plan), [7410, 7411]);
  });

  it('does not overwrite a policy of that name that is not ours', () => {
    const mine = isolating([]);
    mine.metadata!.name = 'everything-mcp';
    assert.match(
      planEnable(workload(), around({ policies: [mine] }), request()).faults[0]!,
      /networkpolicy\.networking\.k8s\.io\/everything-mcp is not ours/,
    );
  });

  it('TLS on what is enabled already is a change for its callers, and said', () => {
    const enabled = workload((draft) => {
      draft.spec.template.metadata!.annotations = {
        'kubectl-mcp.dev/inject': 'true',
        'kubectl-mcp.dev/port': '3001',
      };
    });
    const services = [service([{ port: 80, targetPort: 7410 }])];
    const warningsOf = (of: typeof enabled) =>
      planEnable(of, around({ services }), { ...request(), annotations: { port: '3001', 'tls-secret': 's' } })
        .warnings;
    assert.match(warningsOf(enabled).join(), /callers must change from http:\/\/ to https:\/\//);
    assert.doesNotMatch(warningsOf(workload()).join(), /callers must change/);
  });

  it('says what the webhook would warn of, where nobody would read it', () => {
    const open = planEnable(workload(), around(), withHosts('*')).warnings.join();
    assert.match(open, /allowed-hosts holds "\*": the Host header is not checked/);
    const named = planEnable(workload(), around(), withHosts('a.example.com')).warnings.join();
    assert.doesNotMatch(named, /allowed-hosts/);
  });
});
