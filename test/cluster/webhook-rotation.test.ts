/**
 * Pods are created, and run on nodes of KWOK, while the webhook is upgraded, drained, and loses its Secret and its
 * trust. None may be refused or left without the proxy.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { certificatesIn } from '../../webhook/bundle.ts';
import { INSTALL_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { startFakeNodes } from '../rig/fake-nodes.ts';
import type { FakeNodes } from '../rig/fake-nodes.ts';
import { createApiClient } from '../scale/api-client.ts';
import { createPods } from '../scale/create-pods.ts';
import { webhookPods } from '../scale/installation.ts';
import { isInjected, podOf } from '../scale/pods.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-rotation');
/** 50 a minute are asked for. */
const PER_SECOND = 1;
/** So long at least, from before a disturbance to after it. */
const PHASE_MS = 60_000;
const RECOVERS_WITHIN_MS = 60_000;
const CONFIGURATION = ['mutatingwebhookconfiguration', WEBHOOK_CONFIGURATION];

const inInstallation = (...args: string[]) => kubectl(['-n', INSTALL_NAMESPACE, ...args]);
const certificate = () =>
  inInstallation('get', 'secret', WEBHOOK_NAME, '--ignore-not-found', '-o', 'jsonpath={.data.tls\\.crt}');
const bundle = async () =>
  Buffer.from(
    await kubectl(['get', ...CONFIGURATION, '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}']),
    'base64',
  ).toString();
const nameOf = (pod: V1Pod): string => pod.metadata!.name!;

/** How many replicas have said that they serve another certificate than at their start. */
async function replicasThatServeAnother(): Promise<number> {
  const logs = await Promise.all((await webhookPods()).map((pod) => inInstallation('logs', nameOf(pod))));
  return logs.filter((text) => text.split('"message":"certificate served"').length > 2).length;
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const started = Date.now();
  while (Date.now() - started < RECOVERS_WITHIN_MS) {
    if (await look()) return;
    await sleep(500);
  }
  assert.fail(`not within ${RECOVERS_WITHIN_MS / 1000} s: ${what}`);
}

const areReplaced = (old: readonly string[]): Promise<void> =>
  until('only new replicas', async () => {
    const now = (await webhookPods()).map(nameOf);
    return now.length === 2 && now.every((name) => !old.includes(name));
  });

describe('the webhook under 60 pods a minute', { skip: noCluster, timeout: 900_000 }, () => {
  const api = createApiClient();
  let nodes: FakeNodes;

  before(async () => {
    await createNamespace(NAMESPACE);
    nodes = await startFakeNodes(2);
    await webhookRolledOut();
    await until('a webhook that is trusted', isServed);
  });
  after(async () => {
    await api.send('DELETE', `/api/v1/namespaces/${NAMESPACE}/pods?gracePeriodSeconds=0`);
    await removeNamespace(NAMESPACE);
    await nodes.stop();
    api.close();
  });

  /** Through all of admission, without a pod. */
  async function isServed(): Promise<boolean> {
    const made = await api.send('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`, podOf(true));
    return made.status === 201 && isInjected(made.text);
  }

  async function under(t: TestContext, disturb: () => Promise<void>): Promise<void> {
    const enough = new AbortController();
    const creation = { namespace: NAMESPACE, annotated: true, dryRun: false, perSecond: PER_SECOND };
    const creating = createPods(api, { ...creation, count: Infinity, signal: enough.signal });
    try {
      await Promise.all([sleep(PHASE_MS), sleep(3_000).then(disturb)]);
    } finally {
      enough.abort();
    }
    const made = await creating;
    t.diagnostic(`${made.asked} pods in ${made.seconds.toFixed(0)} s, ${made.injected} injected`);
    assert.deepEqual(made.failures, []);
    assert.equal(made.bare, 0);
    assert.ok((made.injected * 60) / made.seconds > 50);
  }

  test('a rolling upgrade refuses no pod and leaves none bare', async (t) => {
    await under(t, async () => {
      const old = (await webhookPods()).map(nameOf);
      await inInstallation('rollout', 'restart', `deployment/${WEBHOOK_NAME}`);
      await webhookRolledOut();
      await areReplaced(old);
    });
  });

  test('a new CA, forced by deleting the Secret, does neither', async (t) => {
    await under(t, async () => {
      const [old, trusted] = [await certificate(), certificatesIn(await bundle()).length];
      await inInstallation('delete', 'secret', WEBHOOK_NAME);
      await until('another certificate', async () => ![old, ''].includes(await certificate()));
      await until('both replicas to serve it', async () => (await replicasThatServeAnother()) === 2);
      assert.equal(certificatesIn(await bundle()).length, trusted + 1, 'the old CA is trusted on');
    });
  });

  test('a drain takes one replica at a time, and does neither', async (t) => {
    await under(t, async () => {
      const old = (await webhookPods()).map(nameOf);
      const forbidden: number[] = [];
      for (const name of old) forbidden.push(await evict(name));
      assert.equal(forbidden[0], 0);
      assert.ok(forbidden[1]! > 0, 'the second waited for the successor of the first');
      await webhookRolledOut();
      await areReplaced(old);
    });
  });

  test('all that were created run', async (t) => {
    let pods: V1Pod[] = [];
    await until('every pod to run', async () => {
      pods = JSON.parse(await api.ask('GET', `/api/v1/namespaces/${NAMESPACE}/pods`)).items;
      return pods.length > 0 && pods.every((pod) => pod.status?.phase === 'Running');
    });
    t.diagnostic(`${pods.length} pods`);
  });

  test('it is trusted again when its caBundle was taken away by hand', async () => {
    const remove = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }];
    await kubectl(['patch', ...CONFIGURATION, '--type=json', '-p', JSON.stringify(remove)]);
    await until('a caBundle', async () => (await bundle()) !== '');
    await until('an injected pod', isServed);
  });

  /** As a drain does it: asks again where the budget forbids it. @returns how often it did */
  async function evict(name: string): Promise<number> {
    const path = `/api/v1/namespaces/${INSTALL_NAMESPACE}/pods/${name}/eviction`;
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } };
    let forbidden = 0;
    await until(`the eviction of ${name}`, async () => {
      const { status, text } = await api.send('POST', path, eviction);
      assert.ok(status === 201 || status === 429, text);
      forbidden += Number(status === 429);
      return status === 201;
    });
    return forbidden;
  }
});
