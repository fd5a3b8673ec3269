import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type ApiServer, startApiServer, status } from '../api-server.ts';
import { run } from '../run.ts';

const list = (server: ApiServer, ...args: string[]) => run(['list', '-s', server.url, ...args]);
const empty = { code: 200, body: { items: [] } };
const forbidden = status(403, 'Forbidden', 'pods is forbidden: User "bob" cannot list resource "pods"');

for (const [answer, expected] of [
  [forbidden, 'Error from server (Forbidden): pods is forbidden: User "bob" cannot list resource "pods"\n'],
  [
    status(401, 'Unauthorized', 'Unauthorized'),
    'error: You must be logged in to the server (Unauthorized)\n',
  ],
  [status(500, 'InternalError', 'etcd is away'), 'Error from server (InternalError): etcd is away\n'],
  [{ code: 503, body: 'no backend' }, 'Error from server (ServiceUnavailable): "no backend"\n'],
] as const) {
  test(`an answer ${answer.code} of the API server is worded as kubectl does`, async (t) => {
    const { code, stdout, stderr } = await list(await startApiServer(t, () => answer));
    assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: expected });
  });
}

test('nothing found is said on stderr, and is no error', async (t) => {
  const server = await startApiServer(t, () => empty);
  const expected = { code: 0, stdout: '' };
  assert.deepEqual(await list(server, '-n', 'web'), {
    ...expected,
    stderr: 'No resources found in web namespace.\n',
  });
  assert.deepEqual(await list(server, '-A'), { ...expected, stderr: 'No resources found\n' });
  assert.deepEqual(JSON.parse((await list(server, '-o', 'json')).stdout), { items: [] });
});

test('a server that refuses connections is named', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { code, stderr } = await run(['list', '-s', `http://127.0.0.1:${port}`]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `The connection to the server 127.0.0.1:${port} was refused - did you specify the right host or port?\n`,
  );
});

test('a server that does not answer is given up after --request-timeout', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await run(['list', '-s', `http://127.0.0.1:${port}`, '--request-timeout=200ms']);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `Unable to connect to the server: no answer from 127.0.0.1:${port} within --request-timeout\n`,
  );
});

test('who asks goes with every request, each group in a header of its own', async (t) => {
  const server = await startApiServer(t, () => empty);
  await list(
    server,
    '--token',
    'sesame',
    '--as',
    'bob',
    '--as-group',
    'a',
    '--as-group',
    'b',
    '--as-uid',
    '7',
  );
  const { headers } = server.requests[0]!;
  const values = (name: string) => headers.filter(([each]) => each === name).map(([, value]) => value);
  assert.deepEqual(values('authorization'), ['Bearer sesame']);
  assert.deepEqual(values('impersonate-user'), ['bob']);
  assert.deepEqual(values('impersonate-group'), ['a', 'b']);
  assert.deepEqual(values('impersonate-uid'), ['7']);
  assert.match(values('user-agent')[0]!, /^kubectl-mcp\//);
});

test('groups without a user are refused before anything is sent', async (t) => {
  const server = await startApiServer(t, () => empty);
  const { code, stderr } = await list(server, '--as-group', 'a');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: requesting uid, groups or user-extra for user "" without impersonating a user/,
  );
  assert.deepEqual(server.requests, []);
});

interface Entry {
  readonly name: string;
  readonly server: string;
  readonly namespace?: string;
}

function kubeconfig(t: TestContext, ...entries: Entry[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: entries.map(({ name, server }) => ({ name, cluster: { server } })),
    users: entries.map(({ name }) => ({ name, user: { token: `token-of-${name}` } })),
    contexts: entries.map(({ name, namespace }) => ({
      name,
      context: { cluster: name, user: name, namespace },
    })),
    'current-context': entries[0]!.name,
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

test('the context decides server, user and namespace, and flags override it', async (t) => {
  const [one, two] = [await startApiServer(t, () => empty), await startApiServer(t, () => empty)];
  const file = kubeconfig(
    t,
    { name: 'one', server: one.url, namespace: 'first' },
    { name: 'two', server: two.url, namespace: 'second' },
  );
  const listWith = (...args: string[]) => run(['list', '--kubeconfig', file, ...args]);
  assert.match((await listWith()).stderr, /in first namespace/);
  assert.match((await listWith('--context', 'two')).stderr, /in second namespace/);
  assert.match((await listWith('--context', 'two', '-n', 'third')).stderr, /in third namespace/);
  assert.match((await listWith('--cluster', 'two')).stderr, /in first namespace/);
  const tokens = two.requests.map(({ headers }) => headers.find(([name]) => name === 'authorization')?.[1]);
  assert.deepEqual([...new Set(tokens)], ['Bearer token-of-two', 'Bearer token-of-one']);
});

for (const [args, message] of [
  [['--context', 'nope'], 'error: context "nope" does not exist\n'],
  [['--cluster', 'nope'], 'error: cluster "nope" does not exist\n'],
  [['--user', 'nope'], 'error: auth info "nope" does not exist\n'],
] as const) {
  test(`${args.join(' ')}: ${message.trim()}`, async (t) => {
    const file = kubeconfig(t, { name: 'one', server: 'http://127.0.0.1:1' });
    assert.deepEqual(await run(['list', '--kubeconfig', file, ...args]), {
      code: 1,
      stdout: '',
      stderr: message,
    });
  });
}

test('a kubeconfig that is not there is named', async () => {
  const { code, stderr } = await run(['list', '--kubeconfig', '/nonexistent/config']);
  assert.equal(code, 1);
  assert.equal(stderr, 'error: stat /nonexistent/config: no such file or directory\n');
});

test('of the files in KUBECONFIG the first to name something wins', async (t) => {
  const [one, two] = [await startApiServer(t, () => empty), await startApiServer(t, () => empty)];
  const files = [
    kubeconfig(t, { name: 'same', server: one.url, namespace: 'first' }),
    kubeconfig(t, { name: 'same', server: two.url }, { name: 'other', server: two.url, namespace: 'second' }),
  ];
  const env = { KUBECONFIG: ['/nonexistent', ...files].join(delimiter) };
  assert.match((await run(['list'], { env })).stderr, /in first namespace/);
  assert.equal(two.requests.length, 0);
  assert.match((await run(['list', '--context', 'other'], { env })).stderr, /in second namespace/);
});
