import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isClean, runLoad } from '../load/modern-load.ts';
import { CONNECTION_MODES, sendCall } from '../load/send-call.ts';
import { imageName } from '../images/build.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('test-rollout');
const LOAD_SECONDS = 45;
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
      annotations: { kubectl-mcp.dev/inject: "true", kubectl-mcp.dev/auth: none }
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
    for (
      let left = 20;
      (await sendCall(0, { ...CALL, url, mode: 'fresh', sleepMs: 0 })).outcome !== 'ok';
      left--
    ) {
      assert.ok(left > 0, 'the Service never answered');
      await sleep(500);
    }
  });

  after(() => removeNamespace(NAMESPACE));

  test('cuts no call and refuses no connection, whatever clients do with their connections', async () => {
    const loads = CONNECTION_MODES.map((mode) =>
      runLoad({ ...CALL, url, mode, perSecond: 20, seconds: LOAD_SECONDS }),
    );
    await sleep(3000);
    const old = await podNames();
    await kubectl(['-n', NAMESPACE, 'rollout', 'restart', 'deployment/reference']);
    await rolledOut();
    const summaries = await Promise.all(loads);
    const names = await podNames();
    assert.ok(!old.some((each) => names.includes(each)), 'every pod was replaced');
    for (const summary of summaries) assert.ok(isClean(summary), JSON.stringify(summary, null, 2));
  });
});

async function rolledOut(): Promise<void> {
  await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/reference', '--timeout=120s']);
}

async function podNames(): Promise<string[]> {
  const names = await kubectl(['-n', NAMESPACE, 'get', 'pods', '-l', 'app=reference', '-o', 'name']);
  return names.trim().split('\n');
}
