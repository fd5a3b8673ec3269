/**
 * How long it takes until a change of a Secret or ConfigMap is in force in a pod that runs: told, not only checked.
 * RELOAD_RUNS=5 makes the figures of docs/operations.md.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { imageName } from '../images/build.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-reload');
const RUNS = Number(process.env['RELOAD_RUNS'] ?? 1);
/** The kubelet looks at a pod at most 90 seconds after it did last (`syncFrequency` of a minute, and half of it at random). */
const DEADLINE_MS = 150_000;
const POLL_MS = 50;
const FIGURES = [
  'an old token refused on the open connection',
  'an old token refused on a new one',
  'a new token let in',
  'a forbidden tool refused',
];

const inNamespace = (args: string[], input = '') => kubectl(['-n', NAMESPACE, ...args], { input });

/** Injected by the plugin, as the webhook would. */
const POD = `
apiVersion: v1
kind: Pod
metadata:
  name: everything
  namespace: ${NAMESPACE}
  annotations:
    kubectl-mcp.dev/inject: "true"
    kubectl-mcp.dev/auth: token
    kubectl-mcp.dev/token-secret: tokens
    kubectl-mcp.dev/policy: policy
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - name: everything
      image: ${imageName('everything')}
      imagePullPolicy: Never
      ports: [{ containerPort: 3001 }]
`;

const apply = (kind: 'Secret' | 'ConfigMap', name: string, content: Record<string, string>) =>
  inNamespace(
    ['apply', '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind,
      metadata: { name },
      [kind === 'Secret' ? 'stringData' : 'data']: content,
    }),
  );

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Seconds until it holds. */
async function until(sinceMs: number, what: string, holds: () => Promise<boolean>): Promise<number> {
  for (;;) {
    const askedMs = performance.now();
    if (await holds()) return (askedMs - sinceMs) / 1000;
    assert.ok(performance.now() - sinceMs < DEADLINE_MS, `not within ${DEADLINE_MS} ms: ${what}`);
    await delay(POLL_MS);
  }
}

/** The server's own answer to a call without a session is 400: whatever it is, it comes from behind the proxy's checks. */
const letIn = ({ status }: Answer): boolean => status !== 401 && status !== 503;

describe('a change that a running pod takes', { skip: noCluster, timeout: 3_600_000 }, () => {
  let address = '';
  let token = 'token-0';
  let count = 0;
  /** One connection, that every call of the old caller's goes on. */
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });

  function call(by: string, name = 'echo', agent?: Agent): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(`http://${address}:7410/mcp`, {
        method: 'POST',
        agent: agent ?? new Agent(),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${by}`,
        },
        timeout: 10_000,
      });
      sent.on('response', (response) => {
        let body = '';
        response.on('data', (part: Buffer) => (body += part.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sent.on('error', reject);
      sent.end(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name, arguments: { message: 'x' } },
        }),
      );
    });
  }

  /** What makes the kubelet look at the pod at once. */
  const annotate = () =>
    inNamespace(['annotate', '--overwrite', 'pod', 'everything', `example.com/look-again=${count}`]);

  /** Both at once, for the kubelet looks at all volumes of a pod. */
  async function change(hasten: boolean): Promise<number[]> {
    const old = token;
    token = `token-${++count}`;
    const tool = count % 2 ? 'echo' : 'get-sum';
    assert.ok(letIn(await call(old, 'echo', kept)));
    await Promise.all([
      apply('Secret', 'tokens', { caller: token }),
      apply('ConfigMap', 'policy', { 'policy.yaml': `version: 1\ntools: { deny: [${tool}] }\n` }),
    ]);
    const sinceMs = performance.now();
    if (hasten) await annotate();
    const refused = async (agent?: Agent) => (await call(old, 'echo', agent)).status === 401;
    return Promise.all([
      until(sinceMs, 'the old token is refused on a connection that was open', () => refused(kept)),
      until(sinceMs, 'the old token is refused on a new connection', () => refused()),
      until(sinceMs, 'the new token is let in', async () => letIn(await call(token))),
      // With either token, for whichever is good.
      until(sinceMs, 'the tool is refused', async () =>
        (await Promise.all([old, token].map((by) => call(by, tool)))).some(({ body }) =>
          body.includes('Unknown tool'),
        ),
      ),
    ]);
  }

  before(async () => {
    await createNamespace(NAMESPACE);
    await apply('Secret', 'tokens', { caller: token });
    await apply('ConfigMap', 'policy', { 'policy.yaml': 'version: 1\n' });
    const image = process.env['RELOAD_IMAGE'];
    const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-reload-'));
    const file = join(directory, 'pod.yaml');
    writeFileSync(file, POD);
    const { code, stdout, stderr } = await kubectlMcp(
      'inject',
      '-f',
      file,
      ...(image ? [`--image=${image}`] : []),
    );
    rmSync(directory, { recursive: true });
    assert.equal(code, 0, stderr);
    // Without annotations, an installed webhook leaves it as it is.
    const pod = parse(stdout) as V1Pod;
    delete pod.metadata!.annotations;
    await inNamespace(['apply', '-f', '-'], JSON.stringify(pod));
    await inNamespace(['wait', 'pod/everything', '--for=condition=Ready', '--timeout=120s']);
    address = await inNamespace(['get', 'pod', 'everything', '-o', 'jsonpath={.status.podIP}']);
    await until(performance.now(), 'the server answers', async () => letIn(await call(token)));
  });
  after(async () => {
    kept.destroy();
    await removeNamespace(NAMESPACE);
  });

  for (const hasten of [true, false]) {
    test(hasten ? 'at once, when the pod is annotated' : 'when the kubelet comes by', async (t) => {
      const runs: number[][] = [];
      for (let run = 0; run < RUNS; run++) {
        // At another moment of the kubelet's minute each time.
        if (RUNS > 1) await delay(10_000 + Math.random() * 40_000);
        runs.push(await change(hasten));
      }
      for (const [index, figure] of FIGURES.entries()) {
        const sorted = runs.map((run) => run[index]!).toSorted((a, b) => a - b);
        const [min, median, max] = [0, sorted.length >> 1, sorted.length - 1].map((at) =>
          sorted[at]!.toFixed(1),
        );
        t.diagnostic(`${figure}: ${RUNS > 1 ? `min ${min} s, median ${median} s, max ` : ''}${max} s`);
      }
      const pod = JSON.parse(await inNamespace(['get', 'pod', 'everything', '-o', 'json'])) as V1Pod;
      for (const { restartCount } of pod.status!.initContainerStatuses!) assert.equal(restartCount, 0);
    });
  }

  test('of a Secret that is deleted is none: the pod keeps what it has', async (t) => {
    await inNamespace(['delete', 'secret', 'tokens']);
    await annotate();
    await delay(10_000);
    assert.ok(letIn(await call(token)));
    t.diagnostic('to shut everyone out, empty the Secret; deleting it revokes nothing in pods that run');
    await apply('Secret', 'tokens', {});
    await annotate();
    const seconds = await until(
      performance.now(),
      'everyone is refused',
      async () => (await call(token)).status === 503,
    );
    t.diagnostic(`empty: ${seconds.toFixed(1)} s`);
  });
});
