import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canaryNamespace, labelQuery } from '../../../plugin/doctor/canary-namespace.ts';
import { connect } from '../../../plugin/kube/client.ts';
import { startApiServer, status } from '../api-server.ts';

const namespaceSelector = {
  matchLabels: { 'kubectl-mcp.dev/injection': 'enabled' },
  matchExpressions: [
    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'kubectl-mcp-system'] },
    { key: 'team', operator: 'In', values: ['a'] },
    { key: 'x', operator: 'Exists' },
    { key: 'y', operator: 'DoesNotExist' },
  ],
};

test('a selector is written as the API takes it in a query', () => {
  assert.equal(
    labelQuery(namespaceSelector),
    'kubectl-mcp.dev/injection=enabled,kubernetes.io/metadata.name notin (kube-system,kubectl-mcp-system),team in (a),x,!y',
  );
  assert.equal(labelQuery({}), '');
});

for (const [selected, expected] of [
  [['default', 'tools'], 'default'],
  [['tools'], 'tools'],
  [[], 'default'],
  [undefined, 'default'],
] as const)
  test(`the canary goes to ${expected} where ${selected?.join(' and ') ?? 'who knows what'} is selected`, async (t) => {
    const server = await startApiServer(t, (path) => {
      if (path.includes('mutatingwebhookconfigurations'))
        return {
          code: 200,
          body: { webhooks: [{ name: 'inject.kubectl-mcp.dev', namespaceSelector, clientConfig: {} }] },
        };
      const { pathname, searchParams: query } = new URL(path, 'http://x');
      if (pathname !== '/api/v1/namespaces') return undefined;
      if (!selected) return status(403, 'Forbidden', 'namespaces is forbidden');
      assert.equal(query.get('labelSelector'), labelQuery(namespaceSelector));
      const names = query.get('fieldSelector')?.endsWith('=default')
        ? selected.filter((each) => each === 'default')
        : selected;
      return { code: 200, body: { items: names.map((name) => ({ metadata: { name } })) } };
    });
    assert.equal(await canaryNamespace(await connect({ server: server.url } as never, {})), expected);
  });
