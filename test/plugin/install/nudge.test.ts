import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreV1Event } from '@kubernetes/client-node';
import { nudgeWaiting, refusedOwners } from '../../../plugin/install/nudge.ts';
import { connect } from '../../../plugin/kube/client.ts';
import { startApiServer, status } from '../api-server.ts';

const away =
  'Internal error occurred: failed calling webhook "inject.kubectl-mcp.dev": failed to call webhook: Post "https://x": no endpoints available';
const refused = 'admission webhook "inject.kubectl-mcp.dev" denied the request: kubectl-mcp.dev/port: "x"';
const event = (kind: string, name: string, message: string, apiVersion = 'apps/v1') =>
  ({ metadata: {}, message, involvedObject: { apiVersion, kind, name, namespace: 'demo' } }) as CoreV1Event;
const events = [
  event('ReplicaSet', 'a-1', away),
  event('ReplicaSet', 'a-1', away),
  event('ReplicaSet', 'gone-1', away),
  event('ReplicaSet', 'complete-1', away),
  event('Job', 'j', away, 'batch/v1'),
  event('ReplicaSet', 'b-1', refused),
  event('ReplicaSet', 'c-1', away.replace('inject.kubectl-mcp.dev', 'inject.example.com')),
  event('Widget', 'w', away, 'example.com/v1'),
];

test('those are nudged whose pods were refused since the webhook could not be reached, each once', () => {
  assert.deepEqual(
    refusedOwners(events).map(({ kind, metadata }) => `${kind} ${metadata?.name}`),
    ['ReplicaSet a-1', 'ReplicaSet gone-1', 'ReplicaSet complete-1', 'Job j'],
  );
});

test('a nudge is a mark that is taken away again; what is gone, complete or forbidden is left alone', async (t) => {
  const resources = [
    { kind: 'ReplicaSet', name: 'replicasets', namespaced: true },
    { kind: 'Job', name: 'jobs', namespaced: true },
  ].map((each) => ({ ...each, singularName: '', verbs: [] }));
  const bodies: string[] = [];
  const server = await startApiServer(t, (path, request) => {
    if (path.startsWith('/api/v1/events?')) return { code: 200, body: { items: events } };
    if (/^\/apis\/(apps|batch)\/v1$/.test(path))
      return { code: 200, body: { kind: 'APIResourceList', groupVersion: path.slice(6), resources } };
    if (path.includes('gone')) return undefined;
    const replicas = path.includes('complete') ? 2 : 1;
    const live = { spec: { replicas: 2 }, status: { replicas } };
    if (request.method === 'GET') return { code: 200, body: live };
    if (path.includes('/jobs/')) return status(403, 'Forbidden', 'no');
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
    return { code: 200, body: live };
  });
  const cluster = await connect({ server: server.url } as never, {});
  const nudged = await nudgeWaiting(cluster);
  assert.deepEqual(
    nudged.map((each) => each.metadata?.name),
    ['a-1'],
  );
  assert.match(server.requests[0]!.path, /fieldSelector=reason%3DFailedCreate/);
  assert.deepEqual(
    bodies.map((text) => (JSON.parse(text) as { metadata: { annotations: object } }).metadata.annotations),
    [{ 'kubectl-mcp.dev/nudged': 'now' }, { 'kubectl-mcp.dev/nudged': null }],
  );
});
