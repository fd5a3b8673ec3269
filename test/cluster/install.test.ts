/** The webhook taken away and put back, while a workload that it injected goes on. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, PREFIX, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-install');
const CONFIGURATION = `mutatingwebhookconfiguration.admissionregistration.k8s.io`;
const lines = (text: string): string[] => text.trim().split('\n');

const template = {
  metadata: { labels: { app: 'idle' }, annotations: { [`${PREFIX}inject`]: 'true' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'server',
        image: PAUSE_IMAGE,
        command: ['/bin/busybox', 'sleep', '600'],
        ports: [{ containerPort: 3001 }],
      },
    ],
  },
};
const create = (object: object, ...flags: string[]) =>
  kubectl(['-n', NAMESPACE, 'create', '-f', '-', ...flags], { input: JSON.stringify(object) });
/** What the API server makes of an annotated pod now: does it get the sidecar? */
async function isInjected(): Promise<boolean> {
  const pod = { apiVersion: 'v1', kind: 'Pod', ...template, metadata: { ...template.metadata, name: 'try' } };
  const made = JSON.parse(await create(pod, '--dry-run=server', '-o', 'json')) as V1Pod;
  return made.spec!.initContainers?.[0]?.name === 'mcp-proxy';
}
const caBundle = () =>
  kubectl([
    'get',
    CONFIGURATION,
    WEBHOOK_CONFIGURATION,
    '-o',
    'jsonpath={.webhooks[0].clientConfig.caBundle}',
  ]);
const podOfWorkload = async () => {
  const { items } = JSON.parse(
    await kubectl(['-n', NAMESPACE, 'get', 'pods', '-l', 'app=idle', '-o', 'json']),
  );
  const { metadata, status } = (items as V1Pod[])[0]!;
  const sidecar = status!.initContainerStatuses![0]!;
  return { uid: metadata!.uid, ready: sidecar.ready, restarts: sidecar.restartCount };
};

describe('uninstall and install on a cluster', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    const spec = { selector: { matchLabels: { app: 'idle' } }, template };
    await create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'idle' }, spec });
    await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/idle', '--timeout=60s']);
  });
  after(async () => {
    await removeNamespace(NAMESPACE);
    // The files behind this one need it, however this one ended.
    await kubectlMcp('install');
  });

  test('uninstall takes the configuration first and the namespace last, and names who loses the proxy', async () => {
    const pod = await podOfWorkload();
    const { code, stdout, stderr } = await kubectlMcp('uninstall', '--yes');
    assert.equal(code, 0, stderr);
    assert.equal(lines(stdout).at(0), `${CONFIGURATION} "${WEBHOOK_CONFIGURATION}" deleted`);
    assert.equal(lines(stdout).at(-1), `namespace "${INSTALL_NAMESPACE}" deleted`);
    assert.match(stderr, /still annotated\. .*no authentication, no filter, no audit/);
    assert.match(stderr, new RegExp(`\n {2}deployment/idle -n ${NAMESPACE}\n`));
    assert.deepEqual(await podOfWorkload(), pod);
    assert.equal(pod.ready, true);
  });

  test('nothing of it is left, no pod is held up, and enable says what is missing', async () => {
    const kinds = `${CONFIGURATION},validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings,namespaces`;
    const left = lines(await kubectl(['get', kinds, '-o', 'name']));
    assert.deepEqual(
      left.filter((each) => /kubectl-mcp(-system|-webhook|-require)?$/.test(each)),
      [],
    );
    assert.equal(await isInjected(), false);
    const enable = await kubectlMcp('enable', 'idle', '-n', NAMESPACE);
    assert.match(
      enable.stderr,
      /^error: kubectl-mcp is not installed in this cluster: .*\nRun kubectl mcp install\n$/,
    );
    const again = await kubectlMcp('uninstall');
    assert.equal(again.code, 1, 'workloads are still annotated, and nobody can be asked');
    const yes = await kubectlMcp('uninstall', '--yes');
    assert.deepEqual({ code: yes.code, stdout: yes.stdout }, { code: 0, stdout: '' });
    assert.match(yes.stderr, /No resources found: the webhook is not installed\.\n$/);
    assert.match((await kubectlMcp('version')).stdout, /^Webhook Version: not installed/m);
  });

  test('install that does not wait long enough says what is missing', async () => {
    const { code, stdout, stderr } = await kubectlMcp('install', '--timeout=1ms');
    assert.equal(code, 1);
    for (const line of lines(stdout)) assert.match(line, / created$/);
    assert.equal(lines(stdout).at(0), `namespace/${INSTALL_NAMESPACE} created`);
    assert.equal(lines(stdout).at(-1), `${CONFIGURATION}/${WEBHOOK_CONFIGURATION} created`);
    assert.match(stderr, new RegExp(`^error: timed out waiting for deployment/${WEBHOOK_NAME} in namespace`));
    assert.match(stderr, /\nSee why: kubectl describe pods -n kubectl-mcp-system\n$/);
  });

  test('install returns when annotated pods are served: the configuration has its authority', async () => {
    const { code, stdout, stderr } = await kubectlMcp('install');
    assert.equal(code, 0, stderr);
    for (const line of lines(stdout)) assert.match(line, / unchanged$/);
    assert.match(stderr, /The webhook is ready\. Next: kubectl mcp enable deploy\/NAME\n$/);
    assert.match(Buffer.from(await caBundle(), 'base64').toString(), /^-----BEGIN CERTIFICATE-----/);
    assert.equal(await isInjected(), true);
  });

  test('a further install changes nothing, the authority neither', async () => {
    const old = await caBundle();
    const { code, stdout, stderr } = await kubectlMcp('install');
    assert.deepEqual([code, stderr], [0, 'The webhook is ready. Next: kubectl mcp enable deploy/NAME\n']);
    for (const line of lines(stdout)) assert.match(line, / unchanged$/);
    assert.equal(await caBundle(), old);
  });
});
