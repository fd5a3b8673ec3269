import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { podOf } from '../../../plugin/enable/faults.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import { injected } from '../../webhook/golden-pods.ts';
import { type Answer, startApiServer, status } from '../api-server.ts';
import { workload } from '../enable/fixtures.ts';
import { run } from '../run.ts';

const NOW = 'kubectl-mcp:2';
const ok = (body: unknown): Answer => ({ code: 200, body });
const DISCOVERY = ok({
  kind: 'APIResourceList',
  groupVersion: 'apps/v1',
  resources: [{ kind: 'Deployment', name: 'deployments', namespaced: true, singularName: '', verbs: [] }],
});

const enabled = (name: string): Workload =>
  workload((draft) => {
    draft.metadata = { name, namespace: 'demo', generation: 1 };
    draft.spec.selector = { matchLabels: { app: name } };
    draft.spec.template.metadata = {
      labels: { app: name },
      annotations: { 'kubectl-mcp.dev/inject': 'true', 'kubectl-mcp.dev/port': '3001' },
    };
    draft.status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  });

function podWith(owner: Workload, image: string): V1Pod {
  const made = injected(podOf(owner), { image, namespace: 'demo' });
  return {
    ...made,
    metadata: { ...made.metadata, name: `${owner.metadata.name}-1` },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

interface Fake {
  /** By name: the image of the proxy in its pod. */
  readonly images: Record<string, string>;
  /** Whose new pods the API server refuses. */
  readonly refuses?: string;
  /** Whose pods keep their old proxy. */
  readonly keeps?: string;
  readonly forbidsInstalled?: boolean;
}

/** As much of a cluster as a restart sees: a patched workload has a new pod at once. */
async function fakeCluster(t: TestContext, { images, refuses, keeps, forbidsInstalled }: Fake) {
  const workloads = Object.keys(images).map(enabled);
  const pods = () => workloads.map((each) => podWith(each, images[each.metadata.name]!));
  const patched: string[] = [];
  const webhook = {
    metadata: { name: 'kubectl-mcp-webhook' },
    spec: { template: { spec: { containers: [{ env: [{ name: 'KUBECTL_MCP_IMAGE', value: NOW }] }] } } },
  };
  let asked = 0;
  const server = await startApiServer(t, (path, { method }) => {
    const [plain = ''] = path.split('?');
    if (plain.endsWith('/mutatingwebhookconfigurations/kubectl-mcp')) return ok({ webhooks: [] });
    if (plain === '/apis/apps/v1') return DISCOVERY;
    if (plain.startsWith('/apis/apps/v1/namespaces/kubectl-mcp-system/')) {
      return forbidsInstalled
        ? status(403, 'Forbidden', 'deployments.apps is forbidden')
        : ok({ items: [webhook] });
    }
    if (method === 'POST' && plain.endsWith('/pods')) {
      const tried = workloads[asked++ % workloads.length]!;
      return tried.metadata.name === refuses
        ? status(400, 'BadRequest', 'admission webhook "inject.kubectl-mcp.dev" denied the request: no')
        : ok(podWith(tried, NOW));
    }
    if (plain.endsWith('/pods')) return ok({ items: pods() });
    const name = /\/deployments\/([^/]+)$/.exec(plain)?.[1];
    const found = workloads.find((each) => each.metadata.name === name);
    if (method === 'PATCH' && name !== undefined) {
      patched.push(name);
      if (name !== keeps && !path.includes('dryRun')) images[name] = NOW;
    }
    if (found) return ok(found);
    if (plain.endsWith('/deployments')) return ok({ items: workloads });
    return /\/(statefulsets|daemonsets|replicasets)$/.test(plain) ? ok({ items: [] }) : undefined;
  });
  const restart = (...args: string[]) => run(['restart', '-n', 'demo', '-s', server.url, ...args]);
  return { restart, patched };
}

const line = (name: string) =>
  `deployment.apps/${name} restarted\n    1 pod: image old:1, now kubectl-mcp:2\n`;

describe('restart', () => {
  test('--outdated renews what is outdated, one after the other, and nothing else', async (t) => {
    const { restart, patched } = await fakeCluster(t, { images: { a: 'old:1', b: 'old:1', c: NOW } });
    const { code, stdout, stderr } = await restart('--outdated');
    assert.equal(code, 0, stderr);
    assert.deepEqual(patched, ['a', 'b']);
    assert.equal(stdout, line('a') + line('b'));
    const again = await restart('--outdated');
    assert.deepEqual(again, { code: 0, stdout: '', stderr: 'No outdated proxies found.\n' });
  });

  test('a dry run of either kind changes nothing', async (t) => {
    const { restart, patched } = await fakeCluster(t, { images: { a: 'old:1' } });
    const client = await restart('--outdated', '--dry-run=client');
    assert.match(client.stdout, /^deployment\.apps\/a restarted \(dry run\)\n/);
    assert.deepEqual(patched, []);
    const server = await restart('--outdated', '--dry-run=server');
    assert.match(server.stdout, /^deployment\.apps\/a restarted \(server dry run\)\n/);
    assert.match((await restart('--outdated', '--dry-run=client')).stdout, /old:1/);
  });

  test('the first that fails ends it: the others are named, with the command that goes on', async (t) => {
    const { restart, patched } = await fakeCluster(t, {
      images: { a: 'old:1', b: 'old:1', c: 'old:1' },
      refuses: 'b',
    });
    const { code, stderr } = await restart('--outdated');
    assert.equal(code, 1);
    assert.deepEqual(patched, ['a']);
    assert.match(
      stderr,
      /error: deployment\.apps\/b: a pod of the new template would be refused: [^]*\nNot restarted: deployment\/c\nTo go on when it is mended: kubectl mcp restart --outdated -n demo\n$/,
    );
  });

  test('pods that come back outdated are an error, and not restarted for ever', async (t) => {
    const { restart } = await fakeCluster(t, { images: { a: 'old:1' }, keeps: 'a' });
    const { code, stderr } = await restart('--outdated');
    assert.equal(code, 1);
    assert.match(stderr, /its new pods are outdated, too: pod a-1 has image old:1, now kubectl-mcp:2\n/);
  });

  test('what is named is restarted, by who may not see the webhook, too', async (t) => {
    const { restart, patched } = await fakeCluster(t, { images: { a: NOW }, forbidsInstalled: true });
    const { code, stdout, stderr } = await restart('deploy/a');
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'deployment.apps/a restarted\n' }, stderr);
    assert.deepEqual(patched, ['a']);
    const unknown = await restart('--outdated');
    assert.match(unknown.stderr, /what is outdated is not known: no permission to list deployments/);
  });

  for (const [args, says] of [
    [[], /error: name the workloads to restart, or give --outdated\n/],
    [['a', '-A'], /not both/],
    [['--outdated', '--max-parallel', '0'], /invalid argument "0" for "--max-parallel" flag/],
    [['pod/a'], /pod\/a has no template/],
  ] as [string[], RegExp][])
    test(`${args.join(' ') || 'nothing'} is a usage error`, async () => {
      const { code, stderr } = await run(['restart', ...args]);
      assert.equal(code, 1);
      assert.match(stderr, says);
    });
});
