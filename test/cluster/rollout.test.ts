import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isClean, runLoad } from '../load/modern-load.ts';
import { CONNECTION_MODES, sendCall } from '../load/send-call.ts';
import { audienceOf } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-rollout');
const MOST_SECONDS = 120;
/** Before the restart, and after it. */
const CALM_MS = 3_000;
const CALL = { sleepMs: 2000, timeoutMs: 60_000 };

/** No readiness probe: the server is sent calls before it listens, and the sidecar has to hold them. */
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: reference, namespace: ${NAMESPACE} }
spec:
  replicas: 2
  selector: { matchLabels: { app: reference } }
  template:
    metadata:
      labels: { app: reference }
      annotations:
        kubectl-mcp.dev/inject: "true"
        # One caller has 120 calls under way, and more on a busy machine.
        kubectl-mcp.dev/max-requests-in-flight: "4000"
    spec:
      containers:
        - name: server
          image: ${imageName('conformance-server')}
          imagePullPolicy: Never
          ports: [{ containerPort: 3000 }]
---
apiVersion: v1
kind: Service
metadata: { name: reference, namespace: ${NAMESPACE} }
spec:
  selector: { app: reference }
  ports: [{ port: 80, targetPort: 7410 }]
`;

describe('a rolling restart under modern calls of 2 s each', { skip: noCluster, timeout: 300_000 }, () => {
  let url = '';
  let token = '';

  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-f', '-'], { input: MANIFEST });
    await rolledOut();
    const address = await kubectl([
      '-n',
      NAMESPACE,
      'get',
      'service',
      'reference',
      '-o',
      'jsonpath={.spec.clusterIP}',
    ]);
    url = `http://${address}/mcp`;
    // kube-proxy follows a new Service's endpoints with a delay.
    token = (
      await kubectl([
        '-n',
        NAMESPACE,
        'create',
        'token',
        'default',
        `--audience=${audienceOf('reference', NAMESPACE)}`,
      ])
    ).trim();
    for (let left = 20; ; left--) {
      const { outcome, fault } = await sendCall(0, { ...CALL, url, token, mode: 'fresh', sleepMs: 0 });
      if (outcome === 'ok') return;
      assert.ok(left > 0, `the Service never answered: ${fault}`);
      await sleep(500);
    }
  });

  after(() => removeNamespace(NAMESPACE));

  test('cuts no call and refuses no connection, whatever clients do with their connections', async (t) => {
    const end = new AbortController();
    const loads = CONNECTION_MODES.map((mode) =>
      runLoad({ ...CALL, url, token, mode, perSecond: 20, seconds: MOST_SECONDS, signal: end.signal }),
    );
    const old = await podNames();
    await sleep(CALM_MS);
    const restartedMs = Date.now();
    await kubectl(['-n', NAMESPACE, 'rollout', 'restart', 'deployment/reference']);
    await rolledOut();
    // The pods of before are at work until they are gone.
    await kubectl(['-n', NAMESPACE, 'wait', ...old, '--for=delete', '--timeout=90s']);
    t.diagnostic(`every pod replaced and gone after ${Math.round((Date.now() - restartedMs) / 1000)} s`);
    await sleep(CALM_MS);
    end.abort();
    const summaries = await Promise.all(loads);
    for (const summary of summaries) t.diagnostic(JSON.stringify(summary));
    for (const summary of summaries) assert.ok(isClean(summary), JSON.stringify(summary, null, 2));
    assert.ok(summaries.every(({ calls }) => calls > 200));
  });
});

async function rolledOut(): Promise<void> {
  await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/reference', '--timeout=120s']);
}

async function podNames(): Promise<string[]> {
  const names = await kubectl(['-n', NAMESPACE, 'get', 'pods', '-l', 'app=reference', '-o', 'name']);
  return names.trim().split('\n');
}
