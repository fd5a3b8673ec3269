/** A server that listens on the loopback alone, on a real cluster: dialled from the network, from a pod and by callers. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageName } from '../images/build.ts';
import { callOnce, keepCalling } from './keep-calling.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-lockdown');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const json = async (...args: string[]) => JSON.parse(await inNamespace(...args, '-o', 'json'));
const mcp = (...args: string[]) => kubectlMcp(...args, '-n', NAMESPACE);

/** `settable` listens where HOST says; `stubborn` listens on all addresses, whatever it is told. */
const SERVERS = [
  { name: 'settable', image: imageName('conformance-server'), port: 3000 },
  { name: 'stubborn', image: imageName('everything'), port: 3001 },
] as const;
const manifest = ({ name, image, port }: (typeof SERVERS)[number]): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  replicas: ${name === 'settable' ? 2 : 1}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 20
      containers:
        - name: ${name}
          image: ${image}
          imagePullPolicy: Never
          env: [{ name: ALLOWED_HOSTS, value: '*' }]
          ports: [{ name: mcp, containerPort: ${port} }]
          startupProbe: { tcpSocket: { port: mcp }, periodSeconds: 1, failureThreshold: 60 }
          readinessProbe: { tcpSocket: { port: ${port} }, periodSeconds: 1 }
          lifecycle: { preStop: { sleep: { seconds: 5 } } }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  selector: { app: ${name} }
  ports: [{ port: 80, targetPort: mcp }]
---
`;

/** From the node, where no policy is between. */
const dial = (host: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3_000 });
    socket.once('connect', () => resolve('open'));
    socket.once('timeout', () => resolve('timeout'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => socket.destroy());
  });

async function podsOf(
  app: string,
): Promise<{ name: string; ip: string; restarts: number; ready: boolean }[]> {
  const { items } = await json('get', 'pods', '-l', `app=${app}`, '--field-selector=status.phase=Running');
  return items
    .filter(({ metadata }: { metadata: { deletionTimestamp?: string } }) => !metadata.deletionTimestamp)
    .map(
      ({
        metadata,
        status,
      }: {
        metadata: { name: string };
        status: { podIP: string; containerStatuses: { restartCount: number; ready: boolean }[] };
      }) => ({
        name: metadata.name,
        ip: status.podIP,
        restarts: status.containerStatuses[0]!.restartCount,
        ready: status.containerStatuses[0]!.ready,
      }),
    );
}
const specsOf = async (name: string) => {
  const { items } = await json('get', 'deployments,services');
  return items
    .filter((each: { metadata: { name: string } }) => each.metadata.name === name)
    .map(({ spec }: { spec: unknown }) => spec);
};

describe('lockdown on a cluster', { skip: noCluster, timeout: 600_000 }, () => {
  let url = '';
  let found: unknown;

  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-f', '-'], { input: SERVERS.map(manifest).join('') });
    for (const { name } of SERVERS)
      await inNamespace('rollout', 'status', `deployment/${name}`, '--timeout=120s');
    const { spec } = await json('get', 'service', 'settable');
    url = `http://${spec.clusterIP}/mcp`;
    for (let left = 40; (await callOnce(url)) !== '200' && left > 0; left--) await sleep(250);
    assert.equal(await callOnce(url), '200');
    found = await specsOf('settable');
  });
  after(() => removeNamespace(NAMESPACE));

  test('another policy that admits the port is named, and nothing is changed', async () => {
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'allow-all', namespace: NAMESPACE },
      spec: { podSelector: {}, ingress: [{}] },
    };
    await kubectl(['apply', '-f', '-'], { input: JSON.stringify(policy) });
    const { code, stdout, stderr } = await mcp('enable', 'deploy/settable', '--auth=none');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /networkpolicy.networking.k8s.io\/allow-all admits port 3000 too, and policies add up/,
    );
    await inNamespace('delete', 'networkpolicy', 'allow-all');
    assert.deepEqual(await specsOf('settable'), found);
  });

  test('a server that listens on all addresses all the same is found by a dial, and all is taken back', async () => {
    const stubborn = await specsOf('stubborn');
    const flags = ['--auth=none', '--lockdown=loopback', '--loopback-env=HOST=127.0.0.1'];
    const { code, stderr } = await mcp('enable', 'deploy/stubborn', ...flags);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error: deployment.apps\/stubborn: port 3001 of pod stubborn-\S+ answers other pods: the server does not listen on the loopback alone\n[^]*taken back\n$/,
    );
    assert.deepEqual(await specsOf('stubborn'), stubborn);
    assert.equal(
      await inNamespace('get', 'pods', '-l', 'app.kubernetes.io/name=kubectl-mcp-dial', '-o', 'name'),
      '',
    );
  });

  test('to the loopback without a call lost: the port answers nobody, and the probes follow', async () => {
    const stop = keepCalling(url);
    const flags = ['--auth=none', '--lockdown=loopback', '--loopback-env=HOST=127.0.0.1'];
    const { code, stdout, stderr } = await mcp('enable', 'deploy/settable', ...flags);
    await sleep(2_000);
    assert.deepEqual(Object.keys(await stop()), ['200'], stderr);
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line !== '' && !line.startsWith(' ')),
      [
        'secret/settable-mcp-keys created',
        'deployment.apps/settable enabled',
        'service/settable repointed',
        'deployment.apps/settable locked down',
      ],
    );
    const pods = await podsOf('settable');
    assert.equal(pods.length, 2);
    for (const { ip, ready, restarts } of pods) {
      assert.deepEqual([ready, restarts], [true, 0]);
      assert.equal(await dial(ip, 3000), 'ECONNREFUSED');
      assert.equal(await dial(ip, 7410), 'open');
      const probed = await fetch(`http://${ip}:7411/probe/settable/readiness`);
      assert.deepEqual([probed.status, await probed.text()], [200, 'connected\n']);
    }
  });

  test('the dial from another pod is refused, and doctor says that the port is closed', async () => {
    const { code, stdout } = await mcp('doctor', 'deploy/settable', '--probe');
    assert.match(stdout, /√ MCP609/);
    assert.equal(code, 0, stdout);
    // The kernel's own table says so, without a dial.
    const list = await mcp('list');
    assert.match(list.stdout, /deployment\/settable .* no\s*$/m);
  });

  test('the kubelet learns through the proxy that a server is gone', async () => {
    const { containers } = (await json('get', 'deployment', 'settable')).spec.template.spec;
    const dead = {
      name: 'dead',
      namespace: NAMESPACE,
      annotations: {
        'kubectl-mcp.dev/inject': 'true',
        'kubectl-mcp.dev/auth': 'none',
        'kubectl-mcp.dev/lockdown': 'loopback',
      },
    };
    const [server] = containers;
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: dead,
      spec: {
        containers: [
          {
            ...server,
            // It says that it listens on 3000, and does elsewhere.
            env: [{ name: 'PORT', value: '3100' }],
            startupProbe: undefined,
            lifecycle: undefined,
            readinessProbe: { httpGet: { path: '/', port: 'mcp' }, periodSeconds: 1, failureThreshold: 1 },
          },
        ],
      },
    };
    await kubectl(['apply', '-f', '-'], { input: JSON.stringify(pod) });
    let message = '';
    for (let left = 60; left > 0 && message === ''; left--) {
      await sleep(500);
      const { items } = await json(
        'get',
        'events',
        '--field-selector=involvedObject.name=dead,reason=Unhealthy',
      );
      message =
        items
          .map((each: { message: string }) => each.message)
          .find((each: string) => each.startsWith('Readiness')) ?? '';
    }
    assert.match(message, /Readiness probe failed: HTTP probe failed with statuscode: 502/);
    await inNamespace('delete', 'pod', 'dead', '--wait=false', '--grace-period=0', '--force');
  });

  test('disable brings the server back from there before Services lead to it', async () => {
    const stop = keepCalling(url);
    const { code, stdout, stderr } = await mcp('disable', 'deploy/settable');
    await sleep(2_000);
    assert.deepEqual(Object.keys(await stop()), ['200'], stderr);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^deployment.apps\/settable opened\n/);
    assert.deepEqual(await specsOf('settable'), found);
    for (const { ip } of await podsOf('settable')) assert.equal(await dial(ip, 3000), 'open');
  });
});
