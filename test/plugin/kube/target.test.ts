/** Which of the servers of a pod is meant. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { connect } from '../../../plugin/kube/client.ts';
import { findTarget } from '../../../plugin/kube/target.ts';
import { injected, readPod } from '../../webhook/golden-pods.ts';
import { startApiServer } from '../api-server.ts';

/** The golden pod as it runs. */
async function target(t: TestContext, file: string, mcpServer?: string) {
  const pod = injected(readPod(file));
  const ready = { name: 'mcp-proxy', ready: true, image: '', imageID: '', restartCount: 0 };
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...pod,
    metadata: { ...pod.metadata, name: 'x', namespace: 'demo' },
    status: { phase: 'Running', initContainerStatuses: [ready] },
  };
  const { url } = await startApiServer(t, (path) =>
    path.startsWith('/api/v1/namespaces/demo/pods/x') ? { code: 200, body } : undefined,
  );
  const cluster = await connect({ server: url, namespace: 'demo' }, { KUBECONFIG: '/nonexistent' });
  return findTarget(cluster, 'pod/x', mcpServer === undefined ? {} : { mcpServer });
}

describe('the server that a command is for', () => {
  test('is the only one, named or not', async (t) => {
    assert.equal((await target(t, 'deployment.yaml')).server.name, 'everything');
    assert.equal((await target(t, 'servers-single.yaml')).server.name, 'tools/weather');
  });

  test('is the one that is named, and messages say so', async (t) => {
    const { server, title } = await target(t, 'servers-two-containers.yaml', 'news');
    assert.deepEqual([server.name, server.listenPort], ['tools/news', 7412]);
    assert.equal(title, 'pod/x --mcp-server news');
  });

  test('must be named when there are several', async (t) => {
    await assert.rejects(
      target(t, 'servers-two-containers.yaml'),
      /pod\/x has several servers: news, weather\nChoose one: --mcp-server NAME/,
    );
  });

  test('must be one of them', async (t) => {
    await assert.rejects(
      target(t, 'servers-two-containers.yaml', 'tools'),
      /has no server "tools"; it has: news, weather/,
    );
    await assert.rejects(target(t, 'deployment.yaml', 'everything'), /"everything", but one without a name/);
  });
});
