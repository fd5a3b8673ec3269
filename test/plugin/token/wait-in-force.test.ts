import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '../../../plugin/kube/client.ts';
import { waitInForce } from '../../../plugin/token/wait-in-force.ts';
import { CONFIG_VERSION } from '../../../sidecar/config.ts';

const config = JSON.stringify({
  version: CONFIG_VERSION,
  drain: { path: '/drain/abcdefghijklmnop', timeoutMs: 1_000 },
  servers: [
    {
      name: 'web',
      listenPort: 7411,
      upstream: { transport: 'streamable-http', port: 3001, path: '/mcp' },
      auth: { mode: 'token', source: 'secret/web-mcp-tokens' },
    },
  ],
});
const pod = (status: object, metadata: object = {}): V1Pod => ({
  metadata: { name: 'web-1', ...metadata },
  spec: {
    containers: [],
    initContainers: [{ name: 'mcp-proxy', env: [{ name: 'KUBECTL_MCP_CONFIG', value: config }] }],
  },
  status,
});
const ending = pod({ phase: 'Running' }, { deletionTimestamp: new Date() });

/** @param pods one answer after the other, the last one for ever */
function wait(pods: V1Pod[][], takesAway: boolean, timeoutMs = 30_000) {
  let asked = 0;
  const cluster = {
    namespace: 'ns',
    core: {
      readNamespacedSecret: () => Promise.resolve({ data: {} }),
      listNamespacedPod: () => Promise.resolve({ items: pods[Math.min(asked++, pods.length - 1)] }),
    },
  } as unknown as Cluster;
  const secret = { title: 'deployment/web', instance: 'web', namespace: 'ns', name: 'web-mcp-tokens' };
  const progress = { update: () => undefined, end: () => undefined } as never;
  const { signal } = new AbortController();
  return waitInForce(cluster, secret, {
    timeoutMs,
    progress,
    signal,
    isIn: () => true,
    lagging: '"ci" may still be let in by',
    takesAway,
  }).then((count) => [count, asked]);
}

describe('a token that is taken away', () => {
  test('is waited for until pods that are being deleted are gone, for they take it till then', async () => {
    assert.deepEqual(await wait([[ending], [ending], []], true), [0, 3]);
    assert.deepEqual(
      await wait([[pod({ phase: 'Succeeded' }, { deletionTimestamp: new Date() })]], true),
      [0, 1],
    );
  });

  test('says which of them it has waited for in vain', async () => {
    await assert.rejects(
      wait([[ending]], true, 0),
      /"ci" may still be let in by\n {2}pod\/web-1: is being deleted, and has the tokens of before until it is gone\n/,
    );
  });
});

test('a new token is not waited for in pods that are being deleted', async () => {
  assert.deepEqual(await wait([[ending]], false), [0, 1]);
});
