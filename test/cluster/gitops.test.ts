/** A workload of a Helm release: its repository decides, and nothing gets past the proxy when that forgets it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Deployment, V1Service } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { imageName } from '../images/build.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { buildProgram } from '../rig/go-program.ts';
import { initialize } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-gitops');
const ORIGINALS = 'kubectl-mcp.dev/original-target-ports';
const { kubeconfig, kubectl: program } = layoutOf(process.env);

const TEMPLATE = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything }
spec:
  selector: { matchLabels: { app: everything } }
  strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  template:
    metadata:
      labels: { app: everything }
      annotations: {{ .Values.podAnnotations | toJson }}
    spec:
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ name: mcp, containerPort: 3001 }]
          readinessProbe: { tcpSocket: { port: 3001 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: everything, annotations: {{ .Values.serviceAnnotations | toJson }} }
spec:
  selector: { app: everything }
  ports: [{ name: http, port: 80, targetPort: {{ .Values.targetPort }} }]
`;
const VALUES = { podAnnotations: {}, serviceAnnotations: {}, targetPort: 'mcp' };
type Values = { podAnnotations: object; serviceAnnotations: object; targetPort: string | number };

const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const live = async (kind: string) => JSON.parse(await inNamespace('get', kind, 'everything', '-o', 'json'));
const enable = (...args: string[]) => kubectlMcp('enable', 'deploy/everything', '-n', NAMESPACE, ...args);
const isPatch = ({ kind }: KubernetesObject) => kind === 'Deployment' || kind === 'Service';
const rolledOut = () => inNamespace('rollout', 'status', 'deployment/everything', '--timeout=120s');

describe('a workload of a Helm release', { skip: noCluster, timeout: 600_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'gitops-'));
  const chart = join(directory, 'chart');
  let helm = '';
  let url = '';
  let enabled: Values = VALUES;
  let documents: KubernetesObject[] = [];

  const release = (verb: string, values: Values, ...args: string[]): string => {
    const file = join(directory, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    const all = [verb, 'everything', chart, '-n', NAMESPACE, '-f', file, ...args];
    return execFileSync(helm, all, { env, encoding: 'utf8', stdio: 'pipe' });
  };
  const answer = (): Promise<string> =>
    initialize(url).then(
      ({ status }) => String(status),
      (error: Error) => (error.cause as { code?: string })?.code ?? error.message,
    );
  const answers = async (expected: string): Promise<void> => {
    let last = await answer();
    for (let left = 60; last !== expected && left > 0; left--) {
      await sleep(500);
      last = await answer();
    }
    assert.equal(last, expected);
  };

  before(async () => {
    helm = buildProgram('helm');
    mkdirSync(join(chart, 'templates'), { recursive: true });
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: everything\nversion: 0.1.0\n');
    writeFileSync(join(chart, 'templates', 'all.yaml'), TEMPLATE);
    await createNamespace(NAMESPACE);
    release('install', VALUES);
    await rolledOut();
    url = `http://${(await live('service')).spec.clusterIP}/mcp`;
    await answers('200');
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  test('enable stops, prints what the repository needs, and changes nothing', async () => {
    const { code, stdout, stderr } = await enable();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /deployment\.apps\/everything, service\/everything belong to the Helm release every/,
    );
    documents = parseAllDocuments(stdout).map((each) => each.toJS() as KubernetesObject);
    assert.deepEqual(
      documents.map((each) => each.kind),
      ['Secret', 'Deployment', 'Service', 'NetworkPolicy'],
    );
    const { metadata, spec } = (await live('deployment')) as V1Deployment;
    assert.equal(metadata!.generation, 1);
    assert.equal(spec!.template.metadata!.annotations, undefined);
    assert.equal((await inNamespace('get', 'networkpolicies,secrets', '-o', 'name')).includes('-mcp'), false);
    const dry = await enable('--dry-run=client', '-o', 'yaml');
    assert.deepEqual({ code: dry.code, stdout: dry.stdout }, { code: 0, stdout });
  });

  test('kustomize lays the documents over the manifests as they stand in a repository', () => {
    const overlay = join(directory, 'overlay');
    mkdirSync(overlay);
    const write = (name: string, text: string) => writeFileSync(join(overlay, name), text);
    write('base.yaml', release('template', VALUES, '--namespace', NAMESPACE));
    const added = documents.filter((each) => !isPatch(each));
    write('new.yaml', added.map((each) => JSON.stringify(each)).join('\n---\n'));
    const patches = documents.filter(isPatch).map((each) => ({
      target: { kind: each.kind, name: each.metadata!.name },
      patch: JSON.stringify(each),
    }));
    const kustomization = { namespace: NAMESPACE, resources: ['base.yaml', 'new.yaml'], patches };
    write('kustomization.yaml', JSON.stringify(kustomization));
    const built = parseAllDocuments(execFileSync(program, ['kustomize', overlay], { encoding: 'utf8' })).map(
      (each) => each.toJS() as V1Deployment & V1Service,
    );
    assert.equal(built.length, 4);
    const deployment = built.find((each) => each.kind === 'Deployment')!;
    const service = built.find((each) => each.kind === 'Service')!;
    assert.equal(service.spec!.ports![0]!.targetPort, 7410);
    const podAnnotations = deployment.spec!.template.metadata!.annotations!;
    assert.equal(podAnnotations['kubectl-mcp.dev/inject'], 'true');
    const serviceAnnotations = service.metadata!.annotations!;
    assert.equal(serviceAnnotations[ORIGINALS], '{"80":"mcp"}');
    enabled = { podAnnotations, serviceAnnotations, targetPort: 7410 };
  });

  test('what the release has then is enabled, and enable finds nothing to do', async () => {
    const added = documents.filter(({ kind }) => kind !== 'Deployment' && kind !== 'Service');
    await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: added }),
    });
    release('upgrade', enabled);
    await rolledOut();
    await answers('401');
    const { code, stdout, stderr } = await enable();
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'deployment.apps/everything unchanged\n' }, stderr);
  });

  test('a release that forgets the annotations refuses connections, and doctor says why', async () => {
    release('upgrade', { ...enabled, podAnnotations: {} });
    await rolledOut();
    await answers('ECONNREFUSED');
    const { code, stdout } = await kubectlMcp('doctor', '-n', NAMESPACE, '-o', 'short');
    assert.equal(code, 1, stdout);
    assert.match(stdout, /MCP411 service\/everything .*port 80 leads to a proxy that pods of deployment/);
    assert.match(stdout, /belongs to the Helm release everything, where the annotations have to stand/);
    assert.match(stdout, /fix: kubectl mcp enable deployment\/everything/);
  });

  test('--force changes the cluster all the same', async () => {
    const { code, stdout, stderr } = await enable('--force');
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /Warning: deployment\.apps\/everything belongs to the Helm release everything, which will take back/,
    );
    assert.match(stdout, /deployment\.apps\/everything enabled/);
    await answers('401');
  });

  test('disable prints the way back, and with --force goes it', async () => {
    const refused = await kubectlMcp('disable', 'deploy/everything', '-n', NAMESPACE);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /kubectl-mcp\.dev\/inject: null/);
    await answers('401');
    const { code, stderr } = await kubectlMcp('disable', 'deploy/everything', '-n', NAMESPACE, '--force');
    assert.equal(code, 0, stderr);
    await answers('200');
  });
});
