/** What is told to who applies a workload or a policy, and what never is asked about. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Deployment } from '@kubernetes/client-node';
import { PREFIX, WEBHOOK_CONFIGURATION } from '../../webhook/names.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { createOwned } from './owned.ts';

const NAMESPACE = namespaceName('test-early');
const GATE = 'admission webhook "workloads.kubectl-mcp.dev" denied the request';
const { kubectl: program, kubeconfig } = layoutOf(process.env);
const directory = mkdtempSync(join(tmpdir(), 'early-'));

/** As a person does it: a shell, and what it prints on both sides. */
function shell(command: string): { code: number; said: string } {
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${dirname(program)}:${process.env['PATH']}` };
  const options = { cwd: directory, env, encoding: 'utf8', stdio: 'pipe' } as const;
  try {
    return {
      code: 0,
      said: execFileSync('/bin/bash', ['-o', 'pipefail', '-c', `(${command}) 2>&1`], options),
    };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { code: status, said: stdout };
  }
}
const run = (command: string): string => {
  const { code, said } = shell(command);
  assert.equal(code, 0, said);
  return said;
};
const refusal = (command: string): string => {
  const { code, said } = shell(command);
  assert.notEqual(code, 0, said);
  return said;
};
const apply = (object: object): string => {
  writeFileSync(join(directory, 'FILE'), JSON.stringify(object));
  return `kubectl apply -n ${NAMESPACE} -f FILE`;
};
/** The printed commands, as they stand. */
const printed = (said: string): string =>
  said
    .split('\n')
    .filter((line) => line.startsWith('kubectl '))
    .join('\n');

const prefixed = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value]));
const deployment = (name: string, on: Record<string, string>, template: Record<string, string> = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, annotations: prefixed(on) },
  spec: {
    // Nothing has to start for what is told before.
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations: prefixed(template) },
      spec: { containers: [{ name: 'server', image: 'none', ports: [{ containerPort: 3001 }] }] },
    },
  },
});
const read = async (name: string) =>
  JSON.parse(await kubectl(['-n', NAMESPACE, 'get', 'deployment', name, '-o', 'json'])) as V1Deployment;
const inject = `${PREFIX}inject`;

const policy = (text: string, labels: object = { [`${PREFIX}policy`]: 'true' }): string =>
  apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'rules', labels },
    data: { 'policy.yaml': text },
  });

/** How often the API server has asked the early word, refused or not; and how often an expression failed. */
async function asked(): Promise<number> {
  const metrics = await kubectl(['get', '--raw', '/metrics']);
  return [...metrics.matchAll(/^apiserver_admission_webhook_request_total\{([^}]*)\} (\d+)/gm)]
    .filter(([, labels]) => /name="(workloads|policies)\.kubectl-mcp\.dev"/.test(labels ?? ''))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
async function evaluationErrors(): Promise<string[]> {
  const metrics = await kubectl(['get', '--raw', '/metrics']);
  return metrics
    .split('\n')
    .filter((line) => line.startsWith('apiserver_admission_match_condition_evaluation_errors_total'))
    .filter((line) => line.includes('kubectl-mcp.dev'));
}

const bundles = async (kind: string): Promise<string[]> => {
  const path = 'jsonpath={.webhooks[*].clientConfig.caBundle}';
  return (await kubectl(['get', kind, WEBHOOK_CONFIGURATION, '-o', path])).split(' ');
};

describe('the early word on a cluster', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await webhookRolledOut();
    await createNamespace(NAMESPACE);
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  test('its configuration is trusted: both entries have the authority of the gate', async () => {
    const [gate] = await bundles('mutatingwebhookconfiguration');
    assert.ok(gate);
    assert.deepEqual(await bundles('validatingwebhookconfiguration'), [gate, gate]);
  });

  test('an annotation on a new Deployment is refused; the printed patch, run as it is, makes it right', async () => {
    const said = refusal(apply(deployment('created', { inject: 'true' })));
    assert.ok(said.includes(GATE), said);
    assert.match(
      said,
      /deployment\.apps\/created: kubectl-mcp\.dev\/inject counts on the pod template alone/,
    );
    assert.match(said, /\[AnnotationOnOwner\]\s*$/);
    run(printed(said));
    const { metadata, spec } = await read('created');
    assert.equal(spec?.template.metadata?.annotations?.[inject], 'true');
    assert.equal(metadata?.annotations?.[inject], undefined);
  });

  for (const kind of ['Deployment', 'CronJob'] as const)
    test(`kubectl annotate of a ${kind} that is there is refused, and the printed patch works`, async () => {
      const name = `annotated-${kind.toLowerCase()}`;
      const { spec, ...object } = deployment(name, {});
      const { template } = spec;
      const job = { spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } };
      const cron = { schedule: '0 0 1 1 *', suspend: true, jobTemplate: job };
      const made =
        kind === 'CronJob' ? { ...object, apiVersion: 'batch/v1', kind, spec: cron } : { ...object, spec };
      run(apply(made));
      const said = refusal(`kubectl annotate -n ${NAMESPACE} ${kind.toLowerCase()}/${name} ${inject}=true`);
      assert.ok(said.includes(GATE), said);
      run(printed(said));
      const path = `${kind === 'CronJob' ? '.spec.jobTemplate' : ''}.spec.template.metadata.annotations`;
      const there = await kubectl(['-n', NAMESPACE, 'get', kind, name, '-o', `jsonpath={${path}}`]);
      assert.deepEqual(JSON.parse(there), { [inject]: 'true' });
    });

  test('a template that the gate would refuse is refused with its words and codes, of every kind', () => {
    const wrong = deployment('wrong', {}, { inject: 'true', 'deny-tool': 'x' });
    const { template, selector } = wrong.spec;
    const never = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
    for (const [kind, group, spec] of [
      ['Deployment', 'apps', { selector, template }],
      ['StatefulSet', 'apps', { selector, template, serviceName: 'wrong' }],
      ['DaemonSet', 'apps', { selector, template }],
      ['ReplicaSet', 'apps', { selector, template }],
      ['Job', 'batch', { template: never }],
      ['CronJob', 'batch', { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: never } } }],
    ] as const) {
      const said = refusal(apply({ apiVersion: `${group}/v1`, kind, metadata: { name: 'wrong' }, spec }));
      assert.ok(
        said.includes(`${GATE}: ${kind.toLowerCase()}.${group}/wrong: ${PREFIX}deny-tool: "x"`),
        said,
      );
      assert.match(said, /perhaps kubectl-mcp\.dev\/deny-tools is meant \[KeyUnknown\]/);
    }
  });

  test('what is not wrong, but should be known, is a warning of kubectl', () => {
    const object = deployment('warned', {}, { inject: 'true' });
    Object.assign(object.spec.template.spec.containers[0]!, {
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
    });
    assert.match(run(apply(object)), /^Warning: container "server" has a preStop hook of its own/m);
  });

  test('quota and LimitRange of the namespace are foreseen, as warnings with the object to change', async () => {
    const limits = { limits: [{ type: 'Pod', max: { memory: '16Mi' } }] };
    run(apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'small' }, spec: limits }));
    try {
      const said = run(apply(deployment('too-large', {}, { inject: 'true' })));
      assert.match(said, /^Warning: .*limitrange\/small.*\[LimitRangeExceeded\]/m);
    } finally {
      run(`kubectl delete limitrange small -n ${NAMESPACE}`);
    }
  });

  test('what is there and would be refused today scales, and changes in all but its template', async () => {
    const { metadata, spec } = deployment('older', {}, { inject: 'true', prot: '1' }).spec.template;
    await createOwned(NAMESPACE, 'older', { metadata, spec });
    const disown = JSON.stringify({ metadata: { ownerReferences: null } });
    const older = `-n ${NAMESPACE} replicaset/older`;
    run(`kubectl patch ${older} --type merge -p '${disown}'`);
    run(`kubectl scale ${older} --replicas=2`);
    run(`kubectl annotate ${older} example.test/a=b`);
    run(`kubectl label ${older} a=b`);
    const said = refusal(`kubectl set image ${older} server=other`);
    assert.match(said, /replicaset\.apps\/older: kubectl-mcp\.dev\/prot: .*\[KeyUnknown\]/);
    run(`kubectl delete ${older}`);
  });

  test('a rollback to a template without our annotations passes', async () => {
    run(apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'back' }, spec: bare('back') }));
    const revisions = async () =>
      (await read('back')).metadata?.annotations?.['deployment.kubernetes.io/revision'];
    const reach = async (revision: string) => {
      for (let tries = 0; tries < 60 && (await revisions()) !== revision; tries++) await sleep(500);
    };
    await reach('1');
    const spec = deployment('back', {}, { inject: 'true' }).spec;
    run(apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'back' }, spec }));
    await reach('2');
    run(`kubectl rollout undo -n ${NAMESPACE} deployment/back`);
    assert.equal((await read('back')).spec?.template.metadata?.annotations?.[inject], undefined);
  });

  test('policies with the label are read before they are stored, and the line is named', () => {
    const said = refusal(policy('version: 1\ntools:\n  deny: [a]\n  mod: all\n'));
    assert.match(
      said,
      /configmap\/rules: policy\.yaml: tools\.mod: "all": unknown key \(line 4\); .* \[PolicyInvalid\]/,
    );
    run(policy('version: 1\ntools:\n  deny: [a]\n'));
    run(policy('of another product', {}));
  });

  test('workloads and ConfigMaps without ours, scaling and status cost no call, and no expression fails', async () => {
    run(apply(deployment('ours', {}, { inject: 'true' })));
    const earlier = await asked();
    assert.ok(earlier > 0, 'the metric counts');
    run(apply(deployment('plain', {})));
    run(apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'bare' }, spec: bare('bare') }));
    run(`kubectl set image -n ${NAMESPACE} deployment/plain server=other`);
    run(`kubectl scale -n ${NAMESPACE} deployment/ours --replicas=1`);
    run(`kubectl patch -n ${NAMESPACE} deployment/ours --type merge -p '{"spec":{"replicas":0}}'`);
    run(`kubectl annotate -n ${NAMESPACE} deployment/ours example.test/a=b`);
    run(`kubectl create configmap -n ${NAMESPACE} theirs --from-literal=policy.yaml=x`);
    await sleep(2_000);
    assert.equal(await asked(), earlier);
    run(`kubectl rollout restart -n ${NAMESPACE} deployment/ours`);
    assert.equal(await asked(), earlier + 1);
    assert.deepEqual(await evaluationErrors(), []);
  });
});

/** Without any map of annotations. */
const bare = (app: string) => ({
  replicas: 0,
  selector: { matchLabels: { app } },
  template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'server', image: 'none' }] } },
});
