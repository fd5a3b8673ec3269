import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ownersText, printForRepository, repositoryAdvice } from '../../../plugin/enable/gitops.ts';
import { type Plan, changesOf } from '../../../plugin/enable/change.ts';
import { planEnable } from '../../../plugin/enable/plan.ts';
import { repositoryDocuments } from '../../../plugin/enable/gitops-patch.ts';
import { runPlan } from '../../../plugin/enable/run.ts';
import { strategicPatch } from '../../../plugin/enable/strategic-patch.ts';
import { planDisable } from '../../../plugin/enable/undo.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import type { Cluster } from '../../../plugin/kube/client.ts';
import { bufferStreams } from '../../../plugin/streams.ts';
import { around, request, service, workload } from './fixtures.ts';

const GOLDEN = join(import.meta.dirname, '..', 'golden', 'enable-repository.yaml');
const HELM = { 'meta.helm.sh/release-name': 'web' };
const ports = [
  { name: 'http', port: 80, protocol: 'TCP', targetPort: 'mcp' },
  { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
];

const owned = (): Workload =>
  workload((draft) => {
    draft.metadata.annotations = HELM;
    draft.spec.template.metadata!.annotations = { 'kubectl-mcp.dev/audience': 'https://x' };
  });
const services = () => [service(ports)];
const tokens = { port: '3001', auth: 'token' };
const plan = (): Plan =>
  planEnable(owned(), around({ services: services() }), request({ annotations: tokens }));

async function printed(of: Plan, format: 'json' | 'yaml' = 'yaml'): Promise<string> {
  const { streams, stdout } = bufferStreams();
  await printForRepository(streams, of, format);
  return stdout();
}

/** Nothing of the cluster may be touched. */
const NO_CLUSTER = new Proxy({}, { get: (_, key) => assert.fail(`cluster.${String(key)}`) }) as Cluster;

async function ran(flags: object): Promise<{ error?: string; stdout: string; stderr: string }> {
  const { streams, stdout, stderr } = bufferStreams();
  const deps = {
    streams,
    env: {},
    connect: () => assert.fail('connects'),
    nowMs: () => 0,
    signal: new AbortController().signal,
  };
  const input = { cluster: NO_CLUSTER, workload: owned(), plan: plan(), injected: true };
  const error = await runPlan(input, { dryRun: 'none', timeout: '1s', ...flags }, deps).then(
    () => undefined,
    (thrown: Error) => thrown.message,
  );
  return { ...(error !== undefined && { error }), stdout: stdout(), stderr: stderr() };
}

describe('objects that a repository decides on', () => {
  it('are told with their owner', () => {
    assert.equal(ownersText(plan()), 'deployment.apps/everything belongs to the Helm release web');
    assert.equal(ownersText(planEnable(workload(), around(), request())), undefined);
  });

  it('are printed as patches, and what is new as manifests', async () => {
    const text = await printed(plan());
    if (process.env['UPDATE_GOLDEN']) writeFileSync(GOLDEN, text);
    assert.equal(text, readFileSync(GOLDEN, 'utf8'));
  });

  it('nothing secret is printed', async () => {
    const secrets = changesOf(plan()).flatMap(({ after }) =>
      Object.values((after as { data?: Record<string, string> }).data ?? {}),
    );
    assert.equal(secrets.length, 2);
    for (const format of ['yaml', 'json'] as const) {
      const text = await printed(plan(), format);
      for (const secret of secrets) assert.ok(!text.includes(secret), text);
    }
  });

  it('advice tells the order, and how Secrets get their data', () => {
    const advice = repositoryAdvice(plan());
    assert.match(
      advice[0]!,
      /: secret\/everything-mcp-keys \(new\), .*deployment\.apps\/everything, service/,
    );
    assert.match(advice[1]!, /^Commit service\/everything when the pods have the proxy/);
    assert.match(advice[2]!, /everything-mcp-keys -n demo -p '\{"data":\{"session":"'\$\(openssl rand/);
    assert.match(advice[3]!, /everything-mcp-tokens -n demo -p '\{"stringData":\{"default":"'\$\(openssl/);
  });

  it('a server that goes to the loopback is one patch, and the advice tells when', () => {
    const annotations = { port: '3001', lockdown: 'loopback' };
    const loopback = planEnable(owned(), around({ services: services() }), request({ annotations }));
    const bodies = repositoryDocuments(loopback).filter(({ name }) => name === 'deployment.apps/everything');
    assert.equal(bodies.length, 1);
    assert.match(JSON.stringify(bodies[0]!.body), /"kubectl-mcp.dev\/lockdown":"loopback"/);
    assert.match(repositoryAdvice(loopback).join('\n'), /Commit the annotations of lockdown last/);
  });

  it('enable stops before the first change, with the documents on stdout', async () => {
    const { error, stdout } = await ran({});
    assert.equal(stdout, await printed(plan()));
    assert.match(error!, /^deployment.*belongs to the Helm release web: nothing was changed\n/);
    assert.match(error!, /--force$/);
  });

  it('a dry run in a format prints them too, and is no error', async () => {
    const { error, stdout, stderr } = await ran({ dryRun: 'client', output: 'yaml' });
    assert.deepEqual({ error, stdout }, { error: undefined, stdout: await printed(plan()) });
    assert.match(stderr, /^Warning: deployment.*belongs to the Helm release web\nThe patch/);
  });

  it('a dry run for people shows the plan, and who would take it back', async () => {
    const { error, stdout, stderr } = await ran({ dryRun: 'client' });
    assert.equal(error, undefined);
    assert.match(stdout, /^secret\/everything-mcp-keys created \(dry run\)\n/);
    assert.match(stderr, /belongs to the Helm release web, which will take back/);
  });

  it('--force goes on', async () => {
    const { stderr, error } = await ran({ force: true });
    assert.match(stderr, /^Warning: .*will take back/);
    // It got as far as the cluster.
    assert.match(error!, /cluster\./);
  });

  it('the way back takes annotations away, and names what is to be deleted', async () => {
    const after = plan().template!.after as Workload;
    const objects = changesOf(plan()).flatMap((each) => each.after ?? []);
    const of = <T>(kind: string) => objects.filter((each) => each.kind === kind) as T[];
    const back = planDisable(
      after,
      around({ services: of('Service'), policies: of('NetworkPolicy'), secrets: of('Secret') }),
    );
    const text = await printed(back);
    assert.match(text, /kubectl-mcp\.dev\/inject: null\n/);
    assert.match(text, /kubectl-mcp\.dev\/original-target-ports: null\n/);
    assert.match(text, /\$patch: delete\napiVersion: networking/);
    assert.match(repositoryAdvice(back)[1]!, /^Commit service\/everything first/);
  });
});

describe('a strategic merge patch', () => {
  const spec = { containers: [{ name: 'a', args: ['x'], env: [{ name: 'E', value: '1' }] }, { name: 'b' }] };

  it('names containers and variables that differ, and no others', () => {
    const after = structuredClone(spec);
    after.containers[0]!.env![0]!.value = '2';
    assert.deepEqual(strategicPatch(spec, after), {
      containers: [{ name: 'a', env: [{ name: 'E', value: '2' }] }],
    });
  });

  it('replaces lists of texts, adds and deletes by name', () => {
    const after = { containers: [{ name: 'a', args: ['y', 'z'], env: [] }, { name: 'c' }] };
    assert.deepEqual(strategicPatch(spec, after), {
      containers: [
        { name: 'b', $patch: 'delete' },
        { name: 'a', args: ['y', 'z'], env: [{ name: 'E', $patch: 'delete' }] },
        { name: 'c' },
      ],
    });
  });
});
