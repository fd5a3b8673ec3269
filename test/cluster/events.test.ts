/** Why a pod is refused, and that it is injected, on the object that a person describes. */
import assert from 'node:assert/strict';
import type { CoreV1Event } from '@kubernetes/client-node';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PREFIX, WEBHOOK_NAME } from '../../webhook/names.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { createOwned } from './owned.ts';

const NAMESPACE = namespaceName('test-events');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);

const template = (name: string, annotations: Record<string, string>) => ({
  metadata: {
    labels: { app: name },
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value])),
  },
  // No image of that name: what is injected need not start.
  spec: { containers: [{ name: 'server', image: 'none', ports: [{ containerPort: 3001 }] }] },
});
const deployment = (name: string, annotations: Record<string, string>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: NAMESPACE },
  spec: { selector: { matchLabels: { app: name } }, template: template(name, annotations) },
});
const apply = (object: object) => kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });

async function eventsOn(name: string): Promise<CoreV1Event[]> {
  const selector = `reportingComponent=${WEBHOOK_NAME}`;
  const list = await inNamespace('get', 'events', '--field-selector', selector, '-o', 'json');
  return (JSON.parse(list) as { items: CoreV1Event[] }).items.filter((each) =>
    each.involvedObject.name?.startsWith(name),
  );
}
async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let left = 60; left > 0; left--) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(1_000);
  }
  return assert.fail(`not within a minute: ${what}`);
}

describe('Events of the webhook on a cluster', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await webhookRolledOut();
    await createNamespace(NAMESPACE);
    await createOwned(NAMESPACE, 'refused-1', template('refused', { inject: 'true', prot: '1' }));
    await apply(deployment('injected', { inject: 'true' }));
  });
  after(() => removeNamespace(NAMESPACE));

  test('kubectl describe shows why pods are refused, with the code', async () => {
    await until('an Event', async () => (await eventsOn('refused-'))[0]);
    const text = await inNamespace('describe', 'replicaset', '-l', 'app=refused');
    assert.match(
      text,
      /Warning +KeyUnknown +\S.* kubectl-mcp-webhook +kubectl-mcp\.dev\/prot: "1" is not a known annotation; .* \[KeyUnknown\]/,
    );
  });

  test('an owner whose pods get the proxy is told so once', async () => {
    await until('an Event', async () => (await eventsOn('injected-'))[0]);
    await inNamespace('scale', 'deployment/injected', '--replicas=6');
    await until('six pods', async () => {
      const pods = await inNamespace('get', 'pods', '-l', 'app=injected', '-o', 'name');
      return pods.trim().split('\n').length === 6 || undefined;
    });
    const found = await eventsOn('injected-');
    assert.deepEqual(
      found.map(({ type, reason, count }) => [type, reason, count]),
      [['Normal', 'Injected', 1]],
    );
    assert.match(found[0]?.message ?? '', /^its pods get the proxy \S+$/);
  });

  test('200 refusals of one owner more are the same Event, and each is counted', async () => {
    const [refused] = await eventsOn('refused-');
    const { kind, name, uid } = refused!.involvedObject;
    const pods = Array.from({ length: 200 }, (_, index) => {
      const { metadata, spec } = template('refused', { inject: 'true', prot: '1' });
      const ownerReferences = [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }];
      return {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name: `more-${index}`, namespace: NAMESPACE, ownerReferences },
        spec,
      };
    });
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods });
    await assert.rejects(kubectl(['create', '-f', '-'], { input: list }), /KeyUnknown/);
    const event = await until('200 counted', async () =>
      (await eventsOn('refused-')).find(({ count = 0 }) => count >= (refused!.count ?? 1) + 200),
    );
    assert.equal(event.metadata.name, refused!.metadata.name);
    assert.equal((await eventsOn('refused-')).length, 1);
  });

  test('a dry run leaves nothing', async () => {
    const there = (await eventsOn('')).length;
    const { metadata, spec } = template('dry', { inject: 'maybe' });
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'ReplicaSet', name: 'dry', uid: 'dry', controller: true },
    ];
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'dry', namespace: NAMESPACE, ownerReferences },
      spec,
    };
    const create = ['create', '--dry-run=server', '-f', '-'];
    await assert.rejects(kubectl(create, { input: JSON.stringify(pod) }), /ValueInvalid/);
    await sleep(3_000);
    assert.equal((await eventsOn('')).length, there);
  });
});
