/** Pods of many kinds run with their sidecar as they would without it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { PREFIX } from '../../webhook/names.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-kinds');
const INSTALL = new URL('../../manifests/install.yaml', import.meta.url).pathname;
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const create = (object: object) =>
  kubectl(['-n', NAMESPACE, 'create', '-f', '-'], { input: JSON.stringify(object) });

const server = {
  name: 'server',
  image: PAUSE_IMAGE,
  command: ['/bin/busybox', 'sleep', '600'],
  ports: [{ containerPort: 3001 }],
};
const metadata = (name: string, more: Record<string, string> = {}) => ({
  name,
  annotations: Object.fromEntries(
    Object.entries({ inject: 'true', ...more }).map(([key, value]) => [PREFIX + key, value]),
  ),
});
/** Creates the pod and waits until it is ready. */
async function run(
  name: string,
  spec: Partial<V1PodSpec>,
  annotations: Record<string, string> = {},
): Promise<V1Pod> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(name, annotations),
    spec: { terminationGracePeriodSeconds: 2, containers: [server], ...spec },
  };
  await create(pod);
  await inNamespace('wait', 'pod', name, '--for=condition=Ready', '--timeout=60s');
  return JSON.parse(await inNamespace('get', 'pod', name, '-o', 'json')) as V1Pod;
}
const sidecarSays = (pod: string, ...command: string[]) =>
  inNamespace('exec', pod, '-c', 'mcp-proxy', '--', '/bin/busybox', ...command).then((text) => text.trim());

describe('kinds of pods on a cluster', { skip: noCluster, timeout: 600_000, concurrency: true }, () => {
  before(async () => {
    await kubectl(['apply', '-f', INSTALL]);
    await webhookRolledOut();
    await createNamespace(NAMESPACE);
  });
  after(() => removeNamespace(NAMESPACE));

  test('a Guaranteed pod stays Guaranteed', async () => {
    const resources = { limits: { cpu: '50m', memory: '32Mi' } };
    const pod = await run('guaranteed', { containers: [{ ...server, resources }] });
    assert.equal(pod.status?.qosClass, 'Guaranteed');
  });

  test('in a pod that runs as root the sidecar does not', async () => {
    await run('root', { securityContext: { runAsUser: 0, runAsGroup: 0 } });
    assert.equal(await sidecarSays('root', 'id', '-u'), '65532');
    assert.equal(await inNamespace('exec', 'root', '-c', 'server', '--', '/bin/busybox', 'id', '-u'), '0\n');
  });

  test("a pod's own uid is the sidecar's too, and it can read what is mounted for it", async () => {
    await run('uid', { securityContext: { runAsUser: 1234, runAsGroup: 1234, fsGroup: 4321 } });
    assert.equal(await sidecarSays('uid', 'id', '-u'), '1234');
    assert.match(await sidecarSays('uid', 'head', '-c', '2', '/var/run/kubectl-mcp/kubernetes/token'), /^ey/);
  });

  test('where automount is off the sidecar has its token, and the server has none', async () => {
    await run('automount-off', { automountServiceAccountToken: false });
    assert.match(
      await sidecarSays('automount-off', 'head', '-c', '2', '/var/run/kubectl-mcp/kubernetes/token'),
      /^ey/,
    );
    await assert.rejects(
      inNamespace('exec', 'automount-off', '-c', 'server', '--', '/bin/busybox', 'ls', '/var/run/secrets'),
      /No such file/,
    );
  });

  test('the Secret of auth: token is mounted in the sidecar alone', async () => {
    await inNamespace(
      'create',
      'secret',
      'generic',
      'callers',
      '--from-literal=alice=0123456789abcdef0123456789abcdef',
    );
    const pod = await run('token', {}, { auth: 'token', 'token-secret': 'callers' });
    assert.equal(await sidecarSays('token', 'ls', '/var/run/kubectl-mcp/tokens'), 'alice');
    const mounts = pod.spec?.containers.flatMap((each) => each.volumeMounts ?? []) ?? [];
    assert.ok(!mounts.some(({ mountPath }) => mountPath.includes('kubectl-mcp')));
  });

  test('a Job completes', async () => {
    const spec = {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 2,
      containers: [{ ...server, command: ['/bin/busybox', 'sleep', '1'] }],
    };
    await create({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'job' },
      spec: { template: { metadata: { annotations: metadata('job').annotations }, spec } },
    });
    await inNamespace('wait', 'job', 'job', '--for=condition=Complete', '--timeout=60s');
  });
});
