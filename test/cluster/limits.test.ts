/** Limits of a namespace as enable and doctor tell them: before a change where that can be known, else at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp, kubectlMcpTimed } from './plugin.ts';

const [TIGHT, RANGED, STRICT] = ['test-tight', 'test-ranged', 'test-strict'].map(namespaceName) as [
  string,
  string,
  string,
];
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };

const secured = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  runAsUser: 1000,
  seccompProfile: { type: 'RuntimeDefault' },
};
const server = (seconds: number, resources: object) => ({
  name: 'server',
  image: PAUSE_IMAGE,
  command: ['/bin/busybox', 'sleep', String(seconds)],
  ports: [{ containerPort: 3001 }],
  resources,
  securityContext: secured,
});
const small = { limits: { cpu: '100m', memory: '64Mi' }, requests: { cpu: '10m' } };
const workload = (kind: string, namespace: string, name: string) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 1, containers: [server(600, small)] },
    },
  },
});
const quota = (namespace: string, hard: object) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'tight', namespace },
  spec: { hard },
});
/** Room for the server alone, twice, and not for the proxy beside the old pods. */
const OBJECTS = [
  workload('Deployment', TIGHT, 'web'),
  workload('StatefulSet', TIGHT, 'store'),
  quota(TIGHT, { 'limits.memory': '250Mi' }),
  workload('Deployment', RANGED, 'web'),
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'limits', namespace: RANGED },
    spec: { limits: [{ type: 'Pod', max: { cpu: '1' } }] },
  },
  quota(STRICT, {
    pods: '1',
    'requests.cpu': '20m',
    'limits.cpu': '1100m',
    'requests.memory': '192Mi',
    'limits.memory': '192Mi',
  }),
];
const apply = (...items: object[]) =>
  kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });

describe(
  'limits of a namespace, on a cluster',
  { skip: noCluster, timeout: 240_000, concurrency: true },
  () => {
    before(async () => {
      await webhookRolledOut();
      await Promise.all([
        createNamespace(TIGHT),
        createNamespace(RANGED),
        createNamespace(STRICT, RESTRICTED),
      ]);
      await apply(...OBJECTS);
      for (const [namespace, name] of [
        [TIGHT, 'deployment/web'],
        [TIGHT, 'statefulset/store'],
        [RANGED, 'deployment/web'],
      ] as const) {
        await kubectl(['-n', namespace, 'rollout', 'status', name, '--timeout=60s']);
      }
    });
    after(() => Promise.all([TIGHT, RANGED, STRICT].map(removeNamespace)));

    test('enable refuses what a LimitRange never takes, with the sum and what fits, and changes nothing', async () => {
      const generation = ['-n', RANGED, 'get', 'deployment/web', '-o', 'jsonpath={.metadata.generation}'];
      const { code, stderr } = await kubectlMcp('enable', 'deploy/web', '-n', RANGED, '--port=3001');
      assert.equal(code, 1, stderr);
      assert.match(
        stderr,
        /a LimitRange forbids them: maximum cpu usage per Pod is 1, but limit is 1100m\n {2}the pod has a cpu limit of 1100m with the proxy's 1; limitrange\/limits sets a maximum of 1 for a pod\nNext: give the pod template an init container mcp-proxy with resources that fit \(requests: \{cpu: 10m, memory: 128Mi\}, limits: \{cpu: 500m, memory: 128Mi\}\), or change limitrange\/limits/,
      );
      assert.equal(await kubectl(generation), '1');
    });

    test('so it does for a user who may only look', async () => {
      const as = `system:serviceaccount:${RANGED}:viewer`;
      const binding = ['create', 'rolebinding', 'viewer', '--clusterrole=view', `--user=${as}`];
      await kubectl(['-n', RANGED, ...binding]);
      const { code, stderr } = await kubectlMcp(
        'enable',
        'deploy/web',
        '-n',
        RANGED,
        '--port=3001',
        '--as',
        as,
      );
      assert.equal(code, 1, stderr);
      assert.match(
        stderr,
        /would be refused: the pod has a cpu limit of 1100m with the proxy's 1; limitrange\/limits sets a maximum of 1 for a pod\nNext: give /,
      );
    });

    for (const [kind, name] of [
      ['Deployment', 'web'],
      ['StatefulSet', 'store'],
    ] as const) {
      test(`a quota that refuses pods of a ${kind} is told by enable and doctor within 10 s`, async (t) => {
        const target = `${kind.toLowerCase()}/${name}`;
        const enable = kubectlMcpTimed('enable', target, '-n', TIGHT, '--port=3001', '--keep-service');
        const failedMs = await firstFailure(kind, name);
        const { stdout } = await kubectlMcp('doctor', target, '-n', TIGHT);
        const doctorMs = Date.now() - failedMs;
        assert.match(
          stdout,
          /MCP404[^]*cannot create pods\n.*a ResourceQuota leaves no room: tight, requested: limits\.memory=192Mi[^]*fix: raise resourcequota\/tight/,
        );
        assert.match(
          stdout,
          /MCP903[^]*with the proxy's 128Mi; resourcequota\/tight has \d+Mi of 250Mi left/,
        );
        const { code, said } = await enable;
        assert.equal(code, 1);
        const told = said.find(({ text }) =>
          /pods are not created: a ResourceQuota leaves no room: tight/.test(text),
        );
        assert.ok(told, JSON.stringify(said));
        const enableMs = told.atMs - failedMs;
        t.diagnostic(`after FailedCreate enable said it in ${enableMs} ms, doctor in ${doctorMs} ms`);
        assert.ok(enableMs < 10_000 && doctorMs < 10_000);
        assert.match(told.text, /with the proxy's 128Mi; resourcequota\/tight has \d+Mi of 250Mi left/);
      });
    }

    test('a Job completes in a restricted namespace with a quota that just fits', async () => {
      const annotations = { 'kubectl-mcp.dev/inject': 'true' };
      await apply({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'once', namespace: STRICT },
        spec: {
          backoffLimit: 0,
          template: {
            metadata: { annotations },
            spec: {
              restartPolicy: 'Never',
              terminationGracePeriodSeconds: 2,
              containers: [server(2, small)],
            },
          },
        },
      });
      await kubectl(['-n', STRICT, 'wait', 'job/once', '--for=condition=Complete', '--timeout=90s']);
      const pods = JSON.parse(await kubectl(['-n', STRICT, 'get', 'pods', '-o', 'json'])) as {
        items: { spec: { initContainers: { name: string }[] }; status: { phase: string } }[];
      };
      assert.deepEqual(
        pods.items.map(({ spec, status }) => [spec.initContainers.map(({ name }) => name), status.phase]),
        [[['mcp-proxy'], 'Succeeded']],
      );
    });
  },
);

/** When a controller first could not create a pod of the workload, by the clock of this machine. */
async function firstFailure(kind: string, name: string): Promise<number> {
  for (;;) {
    const { items } = JSON.parse(
      await kubectl(['-n', TIGHT, 'get', 'events', '--field-selector=reason=FailedCreate', '-o', 'json']),
    ) as { items: { involvedObject: { name: string }; firstTimestamp: string }[] };
    const found = items.find(({ involvedObject }) =>
      kind === 'Deployment' ? involvedObject.name.startsWith(`${name}-`) : involvedObject.name === name,
    );
    if (found) return Date.parse(found.firstTimestamp);
    await sleep(200);
  }
}
