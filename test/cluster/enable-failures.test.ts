/** enable where the new pods cannot start: it stops as soon as waiting cannot help, says why, and takes all back. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-failures');
const FULL = namespaceName('test-quota');

const workload = (
  namespace: string,
  name: string,
  { image = PAUSE_IMAGE, script = 'sleep 600', kind = 'Deployment' },
) => `
---
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: server
          image: ${image}
          imagePullPolicy: Never
          command: [/bin/busybox, sh, -c, "echo starting >&2; exec /bin/busybox ${script}"]
          ports: [{ containerPort: 3001 }]
`;
const MANIFEST = [
  workload(NAMESPACE, 'denied', {}),
  // A port that it does not declare, and that the proxy takes first.
  workload(NAMESPACE, 'crashing', { script: 'httpd -f -p 7410' }),
  workload(NAMESPACE, 'stateful', { kind: 'StatefulSet' }),
  workload(NAMESPACE, 'imageless', { image: 'kubectl-mcp.dev/test/nope:1' }),
  workload(FULL, 'crowded', {}),
  `
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: one, namespace: ${FULL} }
spec: { hard: { pods: "1" } }
`,
].join('');

const enable = (namespace: string, name: string, ...flags: string[]) =>
  kubectlMcp('enable', name, '-n', namespace, '--port=3001', '--keep-service', ...flags);

describe(
  'enable where pods cannot start, on a cluster',
  {
    skip: noCluster,
    timeout: 300_000,
    concurrency: true,
  },
  () => {
    before(async () => {
      await Promise.all([NAMESPACE, FULL].map((each) => createNamespace(each)));
      await kubectl(['apply', '-f', '-'], { input: MANIFEST });
      for (const name of ['deployment/denied', 'deployment/crashing', 'statefulset/stateful'])
        await kubectl(['-n', NAMESPACE, 'rollout', 'status', name, '--timeout=60s']);
      await kubectl(['-n', FULL, 'rollout', 'status', 'deployment/crowded', '--timeout=60s']);
    });
    after(() => Promise.all([NAMESPACE, FULL].map(removeNamespace)));

    const cases: [title: string, namespace: string, name: string, flags: string[], stderr: RegExp][] = [
      [
        'the proxy may not listen: the end of its log is shown',
        NAMESPACE,
        'deploy/denied',
        ['--listen-port=80'],
        /container mcp-proxy: CrashLoopBackOff: exit code 1, restarts [3-9][^]*listen EACCES[^]*\nSee what the proxy is given: .*\n/,
      ],
      [
        'the server crashes behind the proxy: the end of its log is shown',
        NAMESPACE,
        'deploy/crashing',
        [],
        /container server: CrashLoopBackOff: .*\nThe end of its log:\n {2}starting\n {2}httpd: .*Address already in use\nSee why container server/,
      ],
      [
        'the broken pod of a StatefulSet comes back without the proxy too',
        NAMESPACE,
        'sts/stateful',
        ['--listen-port=80'],
        /\npod\/stateful-0 deleted\nerror: statefulset\.apps\/stateful: pod stateful-0: container mcp-proxy: /,
      ],
      [
        'an image is not there',
        NAMESPACE,
        'deploy/imageless',
        [],
        /error: deployment\.apps\/imageless: pod .*: container server: ErrImageNeverPull: /,
      ],
      [
        'a quota leaves no room',
        FULL,
        'deploy/crowded',
        [],
        /error: deployment\.apps\/crowded: pods of the new template are not created: a ResourceQuota leaves no room: one, [^]*\n  a pod is to come; resourcequota\/one has 0 of 1 pods left\nNext: raise resourcequota\/one/,
      ],
    ];
    for (const [title, namespace, name, flags, expected] of cases) {
      test(title, async (t) => {
        const get = ['-n', namespace, 'get', name, '-o', 'jsonpath={.spec.template}'];
        const template = await kubectl(get);
        const started = Date.now();
        const { code, stderr } = await enable(namespace, name, ...flags);
        t.diagnostic(`gave up after ${Math.round((Date.now() - started) / 1000)} s`);
        assert.equal(code, 1, stderr);
        assert.match(stderr, expected);
        assert.match(stderr, /\nWhat had been changed was taken back\n$/);
        assert.equal(await kubectl(get), template);
        if (name !== 'deploy/imageless')
          await kubectl(['-n', namespace, 'rollout', 'status', name, '--timeout=60s']);
        const steps = stderr.split('\n').filter((line) => line.startsWith('Waiting for '));
        assert.deepEqual(steps, [...new Set(steps)], 'each step is said once');
      });
    }
  },
);
