/** The audit lines of two pods as one, from their logs, and what is written while somebody looks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { imageName } from '../images/build.ts';
import { run } from '../plugin/run.ts';
import { programOf } from '../bundles/programs.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { initialize } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-audit');
const env = { KUBECONFIG: layoutOf(process.env).kubeconfig };
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const audit = (...args: string[]) => run(['audit', '-n', NAMESPACE, ...args], { env });

const deployment = (name: string, replicas: number, annotations: Record<string, string>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: 'everything',
            image: imageName('everything'),
            imagePullPolicy: 'Never',
            ports: [{ containerPort: 3001 }],
          },
        ],
      },
    },
  },
});
const INJECTED = { 'kubectl-mcp.dev/inject': 'true' };
/** Without a token: refused, and recorded, whether the server is up or not. */
const call = async (ip: string): Promise<void> =>
  assert.equal((await initialize(`http://${ip}:7410/mcp`)).status, 401);

async function podsOf(app: string): Promise<{ name: string; ip: string }[]> {
  const { items } = JSON.parse(await inNamespace('get', 'pods', '-l', `app=${app}`, '-o', 'json')) as {
    items: V1Pod[];
  };
  return items
    .filter(({ metadata }) => !metadata?.deletionTimestamp)
    .map(({ metadata, status }) => ({ name: metadata!.name!, ip: status!.podIP! }));
}

describe('kubectl mcp audit', { skip: noCluster, timeout: 120_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    const items = [
      deployment('both', 2, INJECTED),
      deployment('silent', 1, { ...INJECTED, 'kubectl-mcp.dev/audit': 'none' }),
      deployment('plain', 0, {}),
    ];
    await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    });
    for (const name of ['both', 'silent'])
      await inNamespace('rollout', 'status', `deployment/${name}`, '--timeout=60s');
  });
  after(() => removeNamespace(NAMESPACE));

  test('shows the calls of both pods in order of time, and those that come from pods that are new', async () => {
    const pods = await podsOf('both');
    assert.equal(pods.length, 2);
    const turns = [...pods, ...pods, ...pods];
    for (const { ip } of turns) await call(ip);
    const { code, stdout, stderr } = await audit('both', '--outcome', 'denied', '-o', 'csv');
    assert.deepEqual([code, stderr], [0, '']);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    assert.deepEqual(
      rows.map(([, pod]) => pod),
      turns.map(({ name }) => name),
    );
    assert.deepEqual(
      rows.map(([time]) => time),
      rows.map(([time]) => time).toSorted(),
    );

    const scaled = inNamespace('scale', 'deployment/both', '--replicas=3');
    const args = ['audit', 'deploy/both', '-n', NAMESPACE, '--outcome', 'denied', '--tail', '1'];
    const child = spawn(process.execPath, [programOf('plugin'), ...args, '--follow', '-o', 'jsonl'], {
      env: { ...process.env, ...env },
    });
    const seen: string[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => seen.push(JSON.parse(line).kubernetes.pod));
    const errors: string[] = [];
    child.stderr.on('data', (text: Buffer) => errors.push(text.toString()));
    await once(lines, 'line');
    assert.deepEqual(seen, [pods[1]!.name]);
    await call(pods[0]!.ip);
    await once(lines, 'line');
    await scaled;
    await inNamespace('rollout', 'status', 'deployment/both', '--timeout=60s');
    const added = (await podsOf('both')).find(({ name }) => !pods.some((each) => each.name === name))!;
    await call(added.ip);
    await once(lines, 'line');
    assert.deepEqual(seen, [pods[1]!.name, pods[0]!.name, added.name]);
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'close'), [130, null]);
    assert.deepEqual(errors, []);
  });

  test('says why there are none', async () => {
    const silent = await audit('deploy/silent');
    assert.equal(silent.code, 1);
    assert.match(
      silent.stderr,
      /its annotation kubectl-mcp\.dev\/audit is "none"\nTurn them on: kubectl mcp enable/,
    );
    const plain = await audit('plain');
    assert.match(plain.stderr, /^error: deployment\/plain in namespace .* has no pods/);
    const missing = await audit('deploy/missing');
    assert.match(missing.stderr, /^Error from server \(NotFound\): deployments\.apps "missing" not found/);
    const nobody = await audit('both', '--as', 'nobody');
    assert.match(nobody.stderr, /^Error from server \(Forbidden\)/);
  });

  test('says what may not be read', async () => {
    await inNamespace('create', 'role', 'lists', '--verb=list', '--resource=pods');
    await inNamespace('create', 'rolebinding', 'lists', '--role=lists', '--user=lister');
    const { code, stdout, stderr } = await audit('-l', 'app=both', '--as', 'lister');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^Error from server \(Forbidden\): .*pods\/log|^Error from server \(Forbidden\): pods ".*log/,
    );
    assert.match(
      stderr,
      /\nNeeded: get on pods\/log\. See who you are: kubectl auth can-i get pods --subresource=log/,
    );
  });
});
