/** The Helm chart: it says what kustomize and install say, and its values change what they name. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { V1Deployment, V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import { VERSION } from '../../plugin/version.ts';
import { objectsIn } from '../manifests/objects.ts';
import { KUBERNETES_VERSION } from '../rig/cluster/layout.ts';
import { buildProgram } from '../rig/go-program.ts';
import { kustomized } from '../rig/kustomize.ts';

const CHART = join(import.meta.dirname, '..', '..', 'manifests', 'helm', 'kubectl-mcp');
const DIGEST = `sha256:${'0'.repeat(64)}`;
const DEPLOYMENT = 'Deployment kubectl-mcp-system/kubectl-mcp-webhook';
const CONFIGURATION = 'MutatingWebhookConfiguration /kubectl-mcp';

// A Helm that is built by go alone takes itself for one of Kubernetes 1.20.
const command = (verb: string[], values: object, version = KUBERNETES_VERSION): string[] => [
  ...verb,
  CHART,
  '--kube-version',
  version,
  ...Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
];

describe('the Helm chart', () => {
  let helm: string;
  before(() => void (helm = buildProgram('helm')));

  const rendered = (values: object = {}, ...flags: string[]): ReturnType<typeof objectsIn> =>
    objectsIn(execFileSync(helm, command(['template', 'release', ...flags], values), { encoding: 'utf8' }));
  const refusal = (values: object, version?: string): string => {
    const { status, stderr } = spawnSync(helm, command(['template', 'release'], values, version), {
      encoding: 'utf8',
    });
    assert.notEqual(status, 0);
    return stderr;
  };
  const deploymentOf = (values: object): V1Deployment => rendered(values)[DEPLOYMENT] as V1Deployment;

  test('passes helm lint', () => {
    execFileSync(helm, command(['lint', '--strict'], {}), { stdio: 'pipe' });
  });

  test('without values is what kustomize makes of the base', () => {
    assert.deepEqual(rendered(), objectsIn(kustomized()));
  });

  const ALL = {
    'networkPolicy.enabled': true,
    'prometheus.enabled': true,
    'certificates.mode': 'cert-manager',
    'openshift.enabled': true,
    namespaceSelector: { matchLabels: { 'kubectl-mcp.dev/injection': 'enabled' } },
  };
  const COMPONENTS = ['network-policy', 'prometheus', 'cert-manager', 'openshift', 'namespaced'];
  for (const [index, [key, value]] of Object.entries(ALL).entries())
    test(`${key} is the component ${COMPONENTS[index]}`, () => {
      assert.deepEqual(rendered({ [key]: value }), objectsIn(kustomized([COMPONENTS[index]!])));
    });
  test('and they go together', () => {
    assert.deepEqual(rendered(ALL), objectsIn(kustomized(COMPONENTS)));
  });

  for (const [image, pinned] of [
    [{ repository: 'example.com/proxy' }, `example.com/proxy:${VERSION}`],
    [{ tag: '0.1.1' }, 'kubectl-mcp.dev/kubectl-mcp:0.1.1'],
    [{ digest: DIGEST }, `kubectl-mcp.dev/kubectl-mcp@${DIGEST}`],
    [{ tag: '0.1.1', digest: DIGEST }, `kubectl-mcp.dev/kubectl-mcp:0.1.1@${DIGEST}`],
  ] as const)
    test(`${JSON.stringify(image)} moves webhook and sidecar alike`, () => {
      const [container] = deploymentOf({ image }).spec!.template.spec!.containers;
      const injected = container!.env!.find(({ name }) => name === 'KUBECTL_MCP_IMAGE')?.value;
      assert.deepEqual([container!.image, injected], [pinned, pinned]);
    });

  test('image.pullPolicy goes for both, too', () => {
    const [container] = deploymentOf({ 'image.pullPolicy': 'Always' }).spec!.template.spec!.containers;
    assert.equal(container!.imagePullPolicy, 'Always');
    const variable = container!.env!.find(({ name }) => name === 'KUBECTL_MCP_IMAGE_PULL_POLICY');
    assert.equal(variable?.value, 'Always');
  });

  test('podTemplateSpec and resources are laid over what is there', () => {
    const toleration = { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' };
    const { spec } = deploymentOf({
      replicas: 3,
      resources: { limits: { memory: '512Mi' } },
      podTemplateSpec: {
        metadata: { annotations: { 'example.com/a': 'b' } },
        spec: { nodeSelector: { 'kubernetes.io/os': 'linux' }, tolerations: [toleration] },
      },
    });
    const { metadata, spec: pod } = spec!.template;
    assert.equal(spec!.replicas, 3);
    assert.deepEqual(metadata!.annotations, { 'example.com/a': 'b' });
    assert.equal(metadata!.labels?.['app.kubernetes.io/component'], 'webhook');
    assert.deepEqual(pod!.nodeSelector, { 'kubernetes.io/os': 'linux' });
    assert.deepEqual(pod!.tolerations, [toleration]);
    assert.equal(pod!.priorityClassName, 'system-cluster-critical');
    const { limits, requests } = pod!.containers[0]!.resources!;
    assert.deepEqual([limits, requests?.['memory']], [{ cpu: '1', memory: '512Mi' }, '128Mi']);
  });

  test('rbac.create: false leaves out roles and bindings, and the account stays', () => {
    const [all, left] = [rendered(), rendered({ 'rbac.create': false })].map(Object.keys);
    assert.deepEqual(
      all!.filter((each) => !left!.includes(each)).map((each) => each.split(' ')[0]),
      ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
    );
  });

  test('excludedNamespaces are added to those that are never injected', () => {
    const configuration = rendered({ excludedNamespaces: ['legacy'] })[CONFIGURATION];
    const [entry] = (configuration as V1MutatingWebhookConfiguration).webhooks!;
    assert.deepEqual(entry!.namespaceSelector?.matchExpressions?.[0]?.values, [
      'kube-system',
      'kubectl-mcp-system',
      'legacy',
    ]);
  });

  test('an issuer of yours replaces the CA of the chart', () => {
    const issuerRef = { kind: 'ClusterIssuer', name: 'internal' };
    const objects = rendered({ certificates: { mode: 'cert-manager', issuerRef } });
    const ours = Object.values(objects).filter(({ apiVersion }) => apiVersion?.startsWith('cert-manager.io'));
    assert.deepEqual(
      ours.map(({ kind, ...each }) => [
        kind,
        'spec' in each && (each.spec as { issuerRef: object }).issuerRef,
      ]),
      [['Certificate', issuerRef]],
    );
  });

  test('a release in the namespace of the webhook does not make it again', () => {
    const names = Object.keys(rendered({}, '--namespace', 'kubectl-mcp-system'));
    assert.ok(!names.includes('Namespace /kubectl-mcp-system'));
    assert.equal(names.length, Object.keys(rendered()).length - 1);
  });

  test('a value that does not exist, a digest that is none and an old Kubernetes are refused', () => {
    assert.match(refusal({ 'image.tagg': '1' }), /additional properties 'tagg' not allowed/);
    assert.match(refusal({ 'image.digest': '1' }), /\/image\/digest/);
    assert.match(refusal({ podTemplateSpec: { spec: { containers: [] } } }), /containers/);
    assert.match(refusal({}, 'v1.31.9'), /requires kubeVersion: >=1\.32\.0-0/);
  });
});
