/** A newer webhook beside the default, tried in one namespace: nothing is left without a proxy on the way there and back. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { DEFAULT_IMAGE } from '../../plugin/version.ts';
import { REVISION_LABEL, SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { ctr } from '../rig/cluster/containerd.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { deployEverything } from './everything.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const REVISION = 'test-canary';
const CANARY_IMAGE = `${DEFAULT_IMAGE}-${REVISION}`;
const [EARLY, OTHER] = [namespaceName('test-revision'), namespaceName('test-revision-other')];
const ANNOTATIONS = { 'kubectl-mcp.dev/inject': 'true', 'kubectl-mcp.dev/port': '3001' };

const containerd = (...args: string[]): void => {
  const [program = '', ...rest] = ctr(layoutOf(process.env));
  execFileSync(program, [...rest, 'images', ...args], { stdio: 'pipe' });
};
const imageIn = (pod: V1Pod): string | undefined =>
  pod.spec?.initContainers?.find((each) => each.name === SIDECAR_CONTAINER)?.image;

/** The proxy that a new pod would get now, without making one. */
async function imageFor(namespace: string): Promise<string | undefined> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'asked', annotations: ANNOTATIONS },
    spec: { containers: [{ name: 'server', image: 'server', ports: [{ containerPort: 3001 }] }] },
  };
  const args = ['-n', namespace, 'create', '--dry-run=server', '-o', 'json', '-f', '-'];
  return imageIn(JSON.parse(await kubectl(args, { input: JSON.stringify(pod) })));
}

/** Asks all the time; returns the images, and what was refused, once stopped. */
function keepAsking(namespace: string): () => Promise<string[]> {
  const seen = new Set<string>();
  const stop = new AbortController();
  const asking = (async () => {
    while (!stop.signal.aborted) {
      seen.add(
        await imageFor(namespace).then(
          (image) => image ?? 'NOT INJECTED',
          (error: Error) => error.message,
        ),
      );
      await sleep(50);
    }
  })();
  return async () => {
    stop.abort();
    await asking;
    return [...seen].toSorted();
  };
}

const revision = (verb: string, ...args: string[]) => kubectlMcp(verb, '--revision', REVISION, ...args);

describe('a revision on a cluster', { skip: noCluster, timeout: 600_000 }, () => {
  before(async () => {
    containerd('tag', '--force', DEFAULT_IMAGE, CANARY_IMAGE);
    await createNamespace(OTHER);
    await deployEverything(EARLY);
    const patch = JSON.stringify({ spec: { template: { metadata: { annotations: ANNOTATIONS } } } });
    await kubectl(['-n', EARLY, 'patch', 'deployment', 'everything', '-p', patch]);
    await kubectl(['-n', EARLY, 'rollout', 'status', 'deployment/everything', '--timeout=120s']);
    await kubectl(['label', 'namespace', EARLY, `${REVISION_LABEL}=${REVISION}`]);
  });
  after(async () => {
    await revision('uninstall', '--yes');
    containerd('rm', CANARY_IMAGE);
    await removeNamespace(EARLY);
    await removeNamespace(OTHER);
  });

  test('the default is asked for a revision that is not there', async () => {
    assert.equal(await imageFor(EARLY), DEFAULT_IMAGE);
  });

  test('it takes over its namespace, and no other, without a pod refused or left alone', async () => {
    const stops = [keepAsking(EARLY), keepAsking(OTHER)];
    const { code, stderr } = await revision('install', '--image', CANARY_IMAGE);
    await sleep(2_000);
    const [early, other] = await Promise.all(stops.map((stop) => stop()));
    assert.equal(code, 0, stderr);
    assert.deepEqual(early, [DEFAULT_IMAGE, CANARY_IMAGE]);
    assert.deepEqual(other, [DEFAULT_IMAGE]);
    assert.equal(await imageFor(EARLY), CANARY_IMAGE);
  });

  test('its workloads are outdated then, and restart renews them', async () => {
    const { code, stdout, stderr } = await kubectlMcp('restart', '--outdated', '-n', EARLY);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`image ${DEFAULT_IMAGE}, now ${CANARY_IMAGE}\n`));
    const args = ['-n', EARLY, 'get', 'pods', '-l', 'app=everything', '-o', 'json'];
    const { items } = JSON.parse(await kubectl(args)) as { items: V1Pod[] };
    const live = items.filter((each) => each.metadata?.deletionTimestamp === undefined);
    assert.deepEqual(live.map(imageIn), [CANARY_IMAGE]);
  });

  test('an upgrade of the default leaves it its namespace', async () => {
    const { code, stderr } = await kubectlMcp('install');
    assert.equal(code, 0, stderr);
    assert.equal(await imageFor(EARLY), CANARY_IMAGE);
  });

  test('it is not removed under a namespace; then the default takes over, without a gap', async () => {
    const refused = await revision('uninstall');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`namespace ${EARLY} asks for revision ${REVISION}`));
    const stop = keepAsking(EARLY);
    const { code, stderr } = await revision('uninstall', '--yes');
    await sleep(2_000);
    assert.equal(code, 0, stderr);
    assert.deepEqual(await stop(), [DEFAULT_IMAGE, CANARY_IMAGE]);
    assert.equal(await imageFor(EARLY), DEFAULT_IMAGE);
    const left = ['get', 'clusterroles,validatingadmissionpolicies', '-l', REVISION_LABEL, '-o', 'name'];
    assert.equal(await kubectl(left), '');
  });
});
