import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { run } from '../run.ts';

interface Fake {
  readonly annotations?: Record<string, string>;
  readonly data?: Record<string, string>;
  readonly metadata?: V1ObjectMeta;
  /** So often somebody else is faster. */
  readonly conflicts?: number;
  /** After a write somebody puts back what was there. */
  readonly isPutBack?: boolean;
  /** There is none. */
  readonly noSecret?: boolean;
}

const base64 = (value: string): string => Buffer.from(value).toString('base64');
const TOKENS = {
  'kubectl-mcp.dev/inject': 'true',
  'kubectl-mcp.dev/auth': 'token',
  'kubectl-mcp.dev/token-secret': 'callers',
};

const status = (code: number, reason: string) => ({ kind: 'Status', code, reason, message: reason });

/** A Deployment without pods, and its Secret, which is written by its version. */
async function startApi(t: TestContext, fake: Fake) {
  const { annotations = TOKENS, metadata } = fake;
  const first = { ...fake.data };
  let data: Record<string, string> | undefined = fake.noSecret ? undefined : first;
  let version = 1;
  let { conflicts = 0 } = fake;
  const writes: string[] = [];
  const secret = () => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'callers', namespace: 'demo', ...metadata, resourceVersion: String(version) },
    data,
  });
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const { pathname: path } = new URL(request.url ?? '', 'http://x');
    const say = (code: number, answer: unknown): void =>
      void response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    if (path === '/api/v1') {
      const resources = [{ kind: 'Secret', name: 'secrets', namespaced: true, singularName: '', verbs: [] }];
      return say(200, { kind: 'APIResourceList', groupVersion: 'v1', resources });
    }
    if (path.endsWith('/deployments/web')) {
      const template = { metadata: { annotations } };
      return say(200, { metadata: { name: 'web', namespace: 'demo' }, spec: { selector: {}, template } });
    }
    if (path.endsWith('/pods')) return say(200, { items: [] });
    if (!path.includes('/secrets')) return say(404, status(404, 'NotFound'));
    if (request.method === 'GET') return data ? say(200, secret()) : say(404, status(404, 'NotFound'));
    const sent = JSON.parse(body) as { metadata: V1ObjectMeta; data: Record<string, string | null> };
    writes.push(`${request.method} ${sent.metadata.resourceVersion ?? '-'}`);
    if (conflicts-- > 0) {
      version++;
      data = { ...data, [`other-${version}`]: base64('of-somebody-else') };
      return say(409, status(409, 'Conflict'));
    }
    if (data && sent.metadata.resourceVersion !== String(version)) return say(409, status(409, 'Conflict'));
    version++;
    const merged = { ...data, ...sent.data };
    data = Object.fromEntries(
      Object.entries(merged).filter((each): each is [string, string] => each[1] !== null),
    );
    say(200, secret());
    if (fake.isPutBack) data = first;
    return undefined;
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const token = (...args: string[]) => run(['token', ...args, '--server', url, '-n', 'demo']);
  return { token, writes, data: () => data };
}

describe('kubectl mcp token', () => {
  test('create makes the Secret where there is none, and says what it did on stderr alone', async (t) => {
    const api = await startApi(t, { noSecret: true });
    const { code, stdout, stderr } = await api.token('create', 'deploy/web', 'ci', '--expires-in', '1d');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^kmcp_[0-9A-Za-z]{49}\n$/);
    assert.match(
      stderr,
      /^token "ci" of deployment\/web created, id [0-9a-f]{8}, good until 2026-11-21T12:00:00Z; it is shown this once\nNo pod runs\n$/,
    );
    assert.deepEqual(Object.keys(api.data()!), ['ci']);
    assert.deepEqual(api.writes, ['POST -']);
  });

  test('a change of somebody else in between is kept', async (t) => {
    const api = await startApi(t, { data: { default: base64('readable') }, conflicts: 2 });
    const { code, stderr } = await api.token('create', 'deploy/web', 'ci', '-o', 'json');
    assert.equal(code, 0, stderr);
    assert.deepEqual(Object.keys(api.data()!).toSorted(), ['ci', 'default', 'other-2', 'other-3']);
    assert.deepEqual(api.writes, ['PATCH 1', 'PATCH 2', 'PATCH 3']);
  });

  test('a Secret that is put back fails the command', async (t) => {
    const api = await startApi(t, { data: { ci: base64('a'), bob: base64('b') }, isPutBack: true });
    const { code, stdout, stderr } = await api.token('revoke', 'deploy/web', 'ci');
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /error: secret\/callers in namespace demo was changed back by somebody else\n/);
  });

  test('warns of who keeps the Secret, and when nobody is left who can call', async (t) => {
    const api = await startApi(t, {
      data: { ci: base64('a') },
      metadata: {
        annotations: { 'argocd.argoproj.io/tracking-id': 'web:v1/Secret:demo/callers' },
        ownerReferences: [
          { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'callers', uid: 'x' },
        ],
      },
    });
    const { code, stdout, stderr } = await api.token('revoke', 'deploy/web', 'ci');
    assert.equal(code, 0);
    assert.equal(stdout, 'token "ci" revoked\n');
    assert.match(
      stderr,
      /^Warning: secret\/callers is kept by the Argo CD application web, which may change it back/,
    );
    assert.match(stderr, /Warning: secret\/callers is made by ExternalSecret callers, which changes it back/);
    assert.match(stderr, /Warning: nobody can call: secret\/callers holds no token\n/);
  });

  test('list shows who may call, and no token', async (t) => {
    const digest = '8f43'.padEnd(64, '0');
    const api = await startApi(t, {
      data: {
        ci: base64(`sha256:${digest} created=2026-11-18T12:00:00Z expires=2026-11-20T11:00:00Z for=team%20A`),
        bob: base64('readable-token'),
        eve: base64('two words'),
      },
    });
    const { stdout, stderr } = await api.token('list', 'deploy/web', '-o', 'wide');
    assert.equal(
      stdout,
      [
        'CALLER   ID         STATUS    EXPIRES   AGE         STORED   FOR',
        'bob      b9e1df7c   Active    never     <unknown>   plain',
        'ci       8f430000   Expired   60m ago   2d          digest   team A',
        'eve      -          Invalid   -         <unknown>   -',
        '',
      ].join('\n'),
    );
    assert.match(stderr, /^Warning: nobody can call: secret\/callers "eve" has other characters than/);
    assert.equal(
      (await api.token('list', 'deploy/web', '-o', 'name')).stdout,
      'token/bob\ntoken/ci\ntoken/eve\n',
    );
    assert.ok(!(await api.token('list', 'deploy/web', '-o', 'yaml')).stdout.includes('readable-token'));
  });

  for (const [annotations, words] of [
    [
      { 'kubectl-mcp.dev/auth': 'kubernetes' },
      /deployment\/web in namespace demo has auth kubernetes, not token\nLet it take tokens: kubectl mcp enable deployment\/web -n demo --auth kubernetes,token/,
    ],
    [{}, /has auth kubernetes, not token/],
    [
      { 'kubectl-mcp.dev/auth': 'token', 'kubectl-mcp.dev/token-volume': 'vault' },
      /takes tokens from volume vault of its pods, which another tool fills/,
    ],
  ] as const) {
    test(`a server that has no such Secret: ${JSON.stringify(annotations)}`, async (t) => {
      const api = await startApi(t, { annotations });
      const { code, stderr } = await api.token('list', 'deploy/web');
      assert.equal(code, 1);
      assert.match(stderr, words);
    });
  }
});
