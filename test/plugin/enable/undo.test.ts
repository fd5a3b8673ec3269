import type { V1NetworkPolicy, V1Secret, V1Service, V1ServicePort } from '@kubernetes/client-node';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changesOf, mergePatch, type Plan, templateChangeOf, undoOf } from '../../../plugin/enable/change.ts';
import { planEnable, type Surroundings } from '../../../plugin/enable/plan.ts';
import { planDisable } from '../../../plugin/enable/undo.ts';
import { objectName, type Workload } from '../../../plugin/enable/workload.ts';
import { around, pod, request, service, workload } from './fixtures.ts';

const lines = (plan: Plan): string[] =>
  changesOf(plan).map((each) => `${objectName((each.after ?? each.before)!)} ${each.done}`);

interface Namespace {
  readonly workload: Workload;
  readonly around: Surroundings;
}

const identity = (each: { kind?: string; metadata?: { name?: string } }) =>
  `${each.kind}/${each.metadata!.name}`;

/** A namespace after a plan: what it creates, changes and deletes. */
function apply(plan: Plan, now: Namespace): Namespace {
  const objects = new Map(
    [...now.around.services, ...now.around.policies, ...now.around.secrets].map((each) => [
      identity(each),
      each,
    ]),
  );
  for (const { before, after } of [...plan.before, ...plan.after]) {
    if (after) objects.set(identity(after), after as V1Service);
    else objects.delete(identity(before!));
  }
  const of = <T>(kind: string) => [...objects.values()].filter((each) => each.kind === kind) as T[];
  return {
    workload: (templateChangeOf(plan)?.after ?? now.workload) as Workload,
    around: {
      ...now.around,
      services: of<V1Service>('Service'),
      policies: of<V1NetworkPolicy>('NetworkPolicy'),
      secrets: of<V1Secret>('Secret'),
    },
  };
}

const anyPort: fc.Arbitrary<V1ServicePort> = fc.record(
  {
    port: fc.integer({ min: 1, max: 65_535 }),
    name: fc.constantFrom('a', 'b', 'c'),
    protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'),
    targetPort: fc.oneof(
      fc.constantFrom<number | string>(3001, 'mcp', 'metrics', 9090, 'none', 7411),
      fc.integer({ min: 1, max: 7_000 }),
    ),
    nodePort: fc.integer({ min: 30_000, max: 32_767 }),
  },
  { requiredKeys: ['port'] },
);

const anyService: fc.Arbitrary<V1Service> = fc
  .record({
    ports: fc.uniqueArray(anyPort, { maxLength: 4, selector: (each) => each.port }),
    selector: fc.constantFrom<Record<string, string> | undefined>(
      undefined,
      {},
      { app: 'everything' },
      { app: 'other' },
    ),
    clusterIP: fc.constantFrom('None', '10.0.0.1'),
    annotations: fc.option(
      fc.dictionary(fc.constantFrom('x', 'y', 'example.com/z'), fc.string(), { minKeys: 1 }),
      {
        nil: undefined,
      },
    ),
  })
  .map(({ ports, selector, clusterIP, annotations }) => {
    const made = service(ports, { clusterIP });
    delete made.spec!.selector;
    if (selector) made.spec!.selector = selector;
    if (annotations) made.metadata!.annotations = annotations;
    return made;
  });

const anyAnnotations = fc.option(
  fc.dictionary(fc.constantFrom('x', 'y', 'example.com/z'), fc.string(), { minKeys: 1 }),
  {
    nil: undefined,
  },
);

describe('disable, the plan', () => {
  it('is enable backwards: policy, Services, template, Secrets', () => {
    const now = {
      workload: workload(),
      around: around({ services: [service([{ port: 80, targetPort: 3001 }])] }),
    };
    const enabled = apply(planEnable(now.workload, now.around, request()), now);
    assert.deepEqual(lines(planDisable(enabled.workload, enabled.around)), [
      'networkpolicy.networking.k8s.io/everything-mcp deleted',
      'service/everything restored',
      'deployment.apps/everything disabled',
      'secret/everything-mcp-keys deleted',
    ]);
  });

  it('leaves template, Services and the rest of the namespace byte for byte as enable found them', () => {
    fc.assert(
      fc.property(
        fc.array(anyService, { maxLength: 3 }),
        anyAnnotations,
        fc.constantFrom(
          {},
          { auth: 'token' },
          { 'deny-tools': 'a*', 'listen-port': '7500' },
          { lockdown: 'loopback', 'loopback-env': 'HOST=::1' },
        ),
        (services, annotations, wanted) => {
          services.forEach((each, index) => (each.metadata!.name = `s${index}`));
          const before: Namespace = {
            workload: workload((draft) => {
              if (annotations) draft.spec.template.metadata!.annotations = annotations;
            }),
            around: around({ services }),
          };
          const text = JSON.stringify(before);
          const plan = planEnable(
            before.workload,
            before.around,
            request({ annotations: { port: '3001', ...wanted } }),
          );
          const enabled = apply(plan, before);
          const undo = planDisable(enabled.workload, enabled.around);
          assert.deepEqual(undo.warnings, []);
          assert.equal(JSON.stringify(apply(undo, enabled)), text);
        },
      ),
    );
  });

  it('changes nothing where nothing is enabled', () => {
    const services = [service([{ port: 80, targetPort: 3001 }])];
    assert.deepEqual(changesOf(planDisable(workload(), around({ services }))), []);
  });

  it('leaves a port that someone has changed since, and says so', () => {
    const now = {
      workload: workload(),
      around: around({ services: [service([{ port: 80, targetPort: 3001 }])] }),
    };
    const enabled = apply(planEnable(now.workload, now.around, request()), now);
    enabled.around.services[0]!.spec!.ports![0]!.targetPort = 9000;
    const plan = planDisable(enabled.workload, enabled.around);
    assert.match(plan.warnings[0]!, /targetPort of port 80 is 9000, not the proxy's 7410: left as it is/);
    const [changed] = apply(plan, enabled).around.services;
    assert.equal(changed!.spec!.ports![0]!.targetPort, 9000);
    assert.equal(changed!.metadata!.annotations, undefined);
  });

  it('deletes no Secret and no policy that lacks our label', () => {
    const secrets = [
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'everything-mcp-keys', namespace: 'demo' } },
    ];
    assert.deepEqual(changesOf(planDisable(workload(), around({ secrets }))), []);
  });

  it('refuses to take the proxy from another enabled workload’s callers', () => {
    const mine = workload((draft) => {
      draft.spec.template.metadata!.labels!.tier = 'mcp';
    });
    const now = {
      workload: mine,
      around: around({
        services: [service([{ port: 80, targetPort: 3001 }], { selector: { tier: 'mcp' } })],
        pods: [pod('other-1', { tier: 'mcp' }, { 'kubectl-mcp.dev/inject': 'true' })],
      }),
    };
    const enabled = apply(planEnable(now.workload, now.around, request()), now);
    assert.match(
      planDisable(enabled.workload, enabled.around).refusals[0]!,
      /service\/everything also reaches enabled pods \(other-1\): their callers would no longer be checked/,
    );
  });

  it('names the Service whose kept targetPorts cannot be read', () => {
    const broken = service([{ port: 80, targetPort: 7410 }]);
    broken.metadata!.annotations = { 'kubectl-mcp.dev/original-target-ports': '{"80": {}}' };
    assert.throws(
      () => planDisable(workload(), around({ services: [broken] })),
      /service\/everything: annotation kubectl-mcp\.dev\/original-target-ports is not readable/,
    );
  });
});

describe('a change', () => {
  const [before, after] = [
    service([{ port: 80, targetPort: 3001 }]),
    service([{ port: 80, targetPort: 7410 }]),
  ];

  it('travels as what differs, and with the version that was read when an array travels whole', () => {
    assert.deepEqual(mergePatch(before, after), {
      spec: { ports: [{ port: 80, targetPort: 7410 }] },
      metadata: { resourceVersion: '3' },
    });
    const plan = planEnable(workload(), around(), request({ annotations: { port: '3001' } }));
    assert.deepEqual(mergePatch(plan.template!.before!, plan.template!.after!), {
      spec: {
        template: {
          metadata: {
            annotations: {
              'kubectl-mcp.dev/name': 'everything',
              'kubectl-mcp.dev/port': '3001',
              'kubectl-mcp.dev/inject': 'true',
            },
          },
        },
      },
    });
  });

  it('is taken back by its opposite', () => {
    assert.deepEqual(undoOf({ before, after, done: 'repointed', details: [] }), {
      before: after,
      after: before,
      done: 'restored',
      details: [],
    });
    assert.equal(undoOf({ after, done: 'created', details: [] }).done, 'deleted');
  });
});
