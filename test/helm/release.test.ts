/** Installations by each of the three ways, in an API server of their own: none undoes what the webhook has written. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { installObjects } from '../../plugin/install/manifest.ts';
import { INSTALL_NAMESPACE, PREFIX, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { objectsIn } from '../manifests/objects.ts';
import { run } from '../plugin/run.ts';
import { type ApiServer, startApiServer } from '../rig/api-server.ts';
import { buildProgram } from '../rig/go-program.ts';
import { kustomized } from '../rig/kustomize.ts';
import { definitionsOfOthers } from '../rig/definitions.ts';

const CHART = join(import.meta.dirname, '..', '..', 'manifests', 'helm', 'kubectl-mcp');
const CONFIGURATION = ['mutatingwebhookconfiguration', WEBHOOK_CONFIGURATION];
const SECRET = ['-n', INSTALL_NAMESPACE, 'secret', WEBHOOK_NAME];
const DATA = { 'tls.crt': Buffer.from('certificate').toString('base64') };
const CA = Buffer.from('trust').toString('base64');
const list = (items: object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

describe('installations', { timeout: 600_000 }, () => {
  let api: ApiServer;
  let helm: string;
  const release = (verb: string, ...args: string[]): string =>
    execFileSync(helm, [verb, 'kubectl-mcp', ...args, '-n', INSTALL_NAMESPACE], {
      env: { ...process.env, KUBECONFIG: api.kubeconfig },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const written = (): unknown[] => [
    JSON.parse(api.kubectl(['get', ...SECRET, '-o', 'json'])).data,
    JSON.parse(api.kubectl(['get', ...CONFIGURATION, '-o', 'json'])).webhooks[0].clientConfig.caBundle,
  ];

  before(async () => {
    helm = buildProgram('helm');
    api = await startApiServer();
  });
  after(() => api?.stop());

  test('install, and what the webhook writes then', async () => {
    const env = { KUBECONFIG: api.kubeconfig };
    const { code, stderr } = await run(['install', '--no-wait'], { env });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const patch = (what: string[], operations: object[]) =>
      api.kubectl(['patch', ...what, '--type=json', '-p', JSON.stringify(operations)]);
    patch(SECRET, [{ op: 'add', path: '/data', value: DATA }]);
    patch(CONFIGURATION, [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: CA }]);
    assert.deepEqual(written(), [DATA, CA]);
  });

  test('install again finds nothing to change', async () => {
    const { stdout } = await run(['install', '--no-wait'], { env: { KUBECONFIG: api.kubeconfig } });
    for (const line of stdout.trim().split('\n')) assert.match(line, / unchanged$/);
    assert.deepEqual(written(), [DATA, CA]);
  });

  test('kustomize, and every component with the kinds of their operators', () => {
    api.kubectl(['apply', '--server-side', ...definitionsOfOthers().flatMap((path) => ['-f', path])]);
    api.kubectl(['wait', '--for=condition=Established', 'customresourcedefinitions', '--all']);
    api.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], kustomized());
    assert.deepEqual(written(), [DATA, CA]);
    const text = kustomized(['network-policy', 'prometheus', 'cert-manager', 'openshift', 'namespaced']);
    const dryRun = [
      'apply',
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
      '-o',
      'name',
      '-f',
      '-',
    ];
    const taken = api.kubectl(dryRun, text).trim().split('\n');
    assert.equal(taken.length, Object.keys(objectsIn(text)).length);
  });

  test('Helm takes it over and upgrades it', () => {
    release('install', CHART, '--take-ownership');
    assert.deepEqual(written(), [DATA, CA]);
    release('upgrade', CHART, '--set', 'replicas=3,networkPolicy.enabled=true,prometheus.enabled=true');
    assert.deepEqual(written(), [DATA, CA]);
    const replicas = ['-o', 'jsonpath={.spec.replicas}'];
    assert.equal(api.kubectl(['-n', INSTALL_NAMESPACE, 'get', 'deployment', WEBHOOK_NAME, ...replicas]), '3');
  });

  test('install leaves it to Helm then', async () => {
    const { code, stdout, stderr } = await run(['install'], { env: { KUBECONFIG: api.kubeconfig } });
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /belongs to the Helm release kubectl-mcp, .*\n.* --force\n$/);
  });

  test('Helm removes all but the namespace that keeps its release', () => {
    release('uninstall');
    const kinds = new Set(installObjects('x').map(({ kind }) => kind));
    kinds.delete('Namespace');
    const left = api.kubectl([
      'get',
      [...kinds].join(','),
      '-A',
      '-l',
      'app.kubernetes.io/name=kubectl-mcp',
      '-o',
      'name',
    ]);
    assert.equal(left, '');
    api.kubectl(['get', 'namespace', INSTALL_NAMESPACE]);
  });

  test('Helm installs where there is nothing', () => {
    release('install', CHART, '--create-namespace');
    assert.deepEqual(written(), [undefined, undefined]);
  });

  test('a namespace that demands the proxy lets no annotated pod in while the webhook is not installed', async () => {
    api.kubectl(['delete', ...CONFIGURATION]);
    api.kubectl(['label', 'namespace', 'default', `${PREFIX}require=true`]);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'server', namespace: 'default', annotations: { [`${PREFIX}inject`]: 'true' } },
      spec: { containers: [{ name: 'server', image: 'server', ports: [{ containerPort: 3001 }] }] },
    };
    const create = (): string => {
      try {
        return api.kubectl(['create', '--dry-run=server', '-f', '-'], list([pod]));
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    let said = create();
    for (let tries = 0; tries < 60 && !said.includes('kubectl-mcp-require'); tries += 1) {
      await sleep(500);
      said = create();
    }
    assert.match(said, /the proxy mcp-proxy is not in this pod, and the namespace is labelled/);
  });

  test('a release that is kept elsewhere makes the namespace, with its label', () => {
    release('uninstall');
    const namespace = ['get', 'namespace', INSTALL_NAMESPACE, '-o', 'json'];
    api.kubectl(['delete', 'namespace', INSTALL_NAMESPACE, '--wait=false']);
    const { metadata } = JSON.parse(api.kubectl(namespace));
    // No controller ends it.
    const finalize = ['replace', '--raw', `/api/v1/namespaces/${INSTALL_NAMESPACE}/finalize`, '-f', '-'];
    api.kubectl(finalize, JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata, spec: {} }));
    execFileSync(helm, ['install', 'kubectl-mcp', CHART, '-n', 'default'], {
      env: { ...process.env, KUBECONFIG: api.kubeconfig },
      stdio: 'pipe',
    });
    assert.equal(
      JSON.parse(api.kubectl(namespace)).metadata.labels['pod-security.kubernetes.io/enforce'],
      'restricted',
    );
    assert.deepEqual(written(), [undefined, undefined]);
  });
});
