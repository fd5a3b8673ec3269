import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installObjects } from '../../../plugin/install/manifest.ts';
import { type Answer, startApiServer, status } from '../api-server.ts';
import { run } from '../run.ts';

/** Discovery of every kind of the manifest, and nothing else than what a test says. */
function discovery(path: string): Answer | undefined {
  const [, version] = /^\/apis?\/([^?]+)$/.exec(path) ?? [];
  const resources = installObjects('x')
    .filter(({ apiVersion }) => apiVersion === version)
    .map(({ kind = '', metadata }) => ({
      kind,
      name: `${kind.toLowerCase().replace(/y$/, 'ie')}s`,
      namespaced: metadata?.namespace !== undefined,
      singularName: '',
      verbs: [],
    }));
  if (resources.length === 0) return undefined;
  return { code: 200, body: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: version, resources } };
}

const annotated = {
  metadata: { name: 'weather', namespace: 'demo' },
  spec: { selector: {}, template: { metadata: { annotations: { 'kubectl-mcp.dev/inject': 'true' } } } },
};
const items = (path: string, deployments: unknown[]): Answer | undefined => {
  // Revisions: none.
  if (path.includes('/mutatingwebhookconfigurations?')) return { code: 200, body: { items: [] } };
  if (path === '/apis/apps/v1/deployments') return { code: 200, body: { items: deployments } };
  if (/^\/apis\/apps\/v1\/(statefulsets|daemonsets)$/.test(path)) return { code: 200, body: { items: [] } };
  return undefined;
};
const deleted = { code: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };

test('the webhook configuration goes first and the namespace last', async (t) => {
  const server = await startApiServer(
    t,
    (path, { method }) => items(path, []) ?? (method === 'DELETE' ? deleted : discovery(path)),
  );
  const { code, stdout, stderr } = await run(['uninstall', '-s', server.url]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const deletes = server.requests
    .filter(({ method }) => method === 'DELETE')
    .map(({ path }) => path.split('?')[0]);
  assert.equal(deletes.length, installObjects('x').length);
  assert.match(deletes[0]!, /\/mutatingwebhookconfigurations\/kubectl-mcp$/);
  assert.equal(deletes.at(-1), '/api/v1/namespaces/kubectl-mcp-system');
  assert.match(
    stdout,
    /^mutatingwebhookconfiguration\.admissionregistration\.k8s\.io "kubectl-mcp" deleted\n/,
  );
});

test('workloads that would lose their sidecar stop it, and --yes does not', async (t) => {
  const server = await startApiServer(
    t,
    (path, { method }) => items(path, [annotated]) ?? (method === 'DELETE' ? deleted : discovery(path)),
  );
  const refused = await run(['uninstall', '-s', server.url]);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^Warning: this workload is still annotated.*\n {2}deployment\/weather -n demo\nerror: nothing was removed\n/,
  );
  assert.ok(server.requests.every(({ method }) => method === 'GET'));
  const forced = await run(['uninstall', '--yes', '-s', server.url]);
  assert.equal(forced.code, 0, forced.stderr);
  assert.match(forced.stderr, /^Warning: /);
});

test('an installation that is not there is no error', async (t) => {
  const server = await startApiServer(t, (path) => items(path, []) ?? discovery(path));
  const { code, stdout, stderr } = await run(['uninstall', '-s', server.url]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
  assert.equal(stderr, 'No resources found: the webhook is not installed.\n');
});

test('who may not list workloads may not remove what protects them', async (t) => {
  const forbidden = status(403, 'Forbidden', 'deployments.apps is forbidden');
  const server = await startApiServer(t, (path) =>
    path === '/apis/apps/v1/deployments' ? forbidden : (items(path, []) ?? discovery(path)),
  );
  const { code, stderr } = await run(['uninstall', '--yes', '-s', server.url]);
  assert.equal(code, 1);
  assert.equal(stderr, 'Error from server (Forbidden): deployments.apps is forbidden\n');
});

test('what Helm installed is left to Helm, unless --force is given', async (t) => {
  const released = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'kubectl-mcp-webhook',
      namespace: 'kubectl-mcp-system',
      annotations: { 'meta.helm.sh/release-name': 'mcp' },
    },
  };
  const server = await startApiServer(t, (path, { method }) => {
    if (method === 'DELETE') return deleted;
    if (path.endsWith('/deployments/kubectl-mcp-webhook')) return { code: 200, body: released };
    return items(path, []) ?? discovery(path);
  });
  const refused = await run(['uninstall', '-s', server.url]);
  assert.deepEqual({ code: refused.code, stdout: refused.stdout }, { code: 1, stdout: '' });
  assert.match(
    refused.stderr,
    /belongs to the Helm release mcp, which would bring back what uninstall removes\n.* --force\n$/,
  );
  assert.ok(server.requests.every(({ method }) => method === 'GET'));
  assert.equal((await run(['uninstall', '--force', '--no-wait', '-s', server.url])).code, 0);
});
