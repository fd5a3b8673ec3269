/** The webhook is restarted, loses its Secret and its trust, while pods are created through the API server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { INSTALL_NAMESPACE, PREFIX, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../webhook/names.ts';
import { certificatesIn } from '../../webhook/bundle.ts';
import { kubectl, noCluster, webhookRolledOut } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-rotation');
/** More than 50 a minute. */
const EVERY_MS = 1_000;
const RECOVERS_WITHIN_MS = 60_000;
const CONFIGURATION = ['mutatingwebhookconfiguration', WEBHOOK_CONFIGURATION];

const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'try-', annotations: { [`${PREFIX}inject`]: 'true' } },
  spec: { containers: [{ name: 'server', image: 'server', ports: [{ containerPort: 3001 }] }] },
});
/** Through all of admission, without a pod for the kubelet to start. @throws with the refusal */
async function create(): Promise<void> {
  const made = ['-o', 'jsonpath={.spec.initContainers[*].name}'];
  const names = await kubectl(['-n', NAMESPACE, 'create', '--dry-run=server', '-f', '-', ...made], {
    input: pod,
  });
  assert.equal(names, 'mcp-proxy');
}
function createAlways() {
  const failures: string[] = [];
  const over = new AbortController();
  let count = 0;
  const creating = (async () => {
    for (; !over.signal.aborted; count++) {
      await create().catch((error: Error) => failures.push(`${new Date().toISOString()} ${error.message}`));
      await sleep(EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    over.abort();
    await creating;
    return { count, failures };
  };
}
const inInstallation = (...args: string[]) => kubectl(['-n', INSTALL_NAMESPACE, ...args]);
const certificate = () =>
  inInstallation('get', 'secret', WEBHOOK_NAME, '--ignore-not-found', '-o', 'jsonpath={.data.tls\\.crt}');
const bundle = async () =>
  Buffer.from(
    await kubectl(['get', ...CONFIGURATION, '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}']),
    'base64',
  ).toString();
/** `pod/NAME` of each. */
async function webhookPods(): Promise<string[]> {
  const label = 'app.kubernetes.io/component=webhook';
  return (await inInstallation('get', 'pods', '-l', label, '-o', 'name')).trim().split('\n');
}

/** How many replicas have said that they serve another certificate than at their start. */
async function replicasThatServeAnother(): Promise<number> {
  const logs = await Promise.all((await webhookPods()).map((name) => inInstallation('logs', name)));
  return logs.filter((text) => text.split('"message":"certificate served"').length > 2).length;
}
async function until(what: string, look: () => Promise<boolean>): Promise<number> {
  const started = Date.now();
  while (Date.now() - started < RECOVERS_WITHIN_MS) {
    if (await look()) return Date.now() - started;
    await sleep(500);
  }
  return assert.fail(`not within ${RECOVERS_WITHIN_MS / 1000} s: ${what}`);
}

describe('the webhook under 50 pods a minute', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    await webhookRolledOut();
    await until('a webhook that is trusted', () =>
      create().then(
        () => true,
        () => false,
      ),
    );
  });
  after(() => removeNamespace(NAMESPACE));

  test('restarts, and gets a new CA when its Secret is deleted, and no pod is refused or left bare', async () => {
    const stop = createAlways();
    await inInstallation('rollout', 'restart', `deployment/${WEBHOOK_NAME}`);
    await webhookRolledOut();
    await until('only the new replicas', async () => {
      return (await webhookPods()).length === 2;
    });
    const [old, trusted] = [await certificate(), certificatesIn(await bundle()).length];
    await inInstallation('delete', 'secret', WEBHOOK_NAME);
    await until('another certificate', async () => ![old, ''].includes(await certificate()));
    await until('both replicas to serve it', async () => (await replicasThatServeAnother()) === 2);
    assert.equal(certificatesIn(await bundle()).length, trusted + 1, 'the old CA is trusted on');
    const { count, failures } = await stop();
    assert.deepEqual(failures, []);
    assert.ok(count > 5);
  });

  test('is trusted again when its caBundle was taken away by hand', async () => {
    const remove = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }];
    await kubectl(['patch', ...CONFIGURATION, '--type=json', '-p', JSON.stringify(remove)]);
    await until('a caBundle', async () => (await bundle()) !== '');
    await until('an injected pod', () =>
      create().then(
        () => true,
        () => false,
      ),
    );
  });
});
