/** `authorization: kubernetes` in pods: what `enable` writes, what callers get, and a binding that is taken away. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { SIDECAR_CONTAINER, VOLUME } from '../../webhook/names.ts';
import { deployEverything } from './everything.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp, type Ran } from './plugin.ts';

const NAMESPACE = namespaceName('rbac-pods');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const mcp = (...args: string[]) => kubectlMcp(...args, '-n', NAMESPACE);
const tools = (account: string): Promise<Ran> =>
  mcp('tools', 'everything', '-o', 'name', '--as-serviceaccount', `${NAMESPACE}/${account}`);
const ROLE = 'role.rbac.authorization.k8s.io/everything-mcp-access';
const BINDING = 'rolebinding.rbac.authorization.k8s.io/everything-mcp-access';
/** The default of the proxy, and the time of a call. */
const ALLOWED_MS = 30_000;

describe('authorization: kubernetes in pods', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await deployEverything(NAMESPACE);
    for (const name of ['planner', 'other']) await inNamespace('create', 'serviceaccount', name);
  });
  after(() => removeNamespace(NAMESPACE));

  test('enable writes the Role by which the proxy asks, and the server gets no token for it', async () => {
    const { code, stdout, stderr } = await mcp(
      'enable',
      'deploy/everything',
      '--authorization',
      'kubernetes',
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^${ROLE} created$`, 'm'));
    assert.match(stdout, new RegExp(`^${BINDING} created$`, 'm'));
    assert.match(stderr, /Nobody may call its tools until they are granted: kubectl mcp grant everything/);
    const { items } = JSON.parse(await inNamespace('get', 'pods', '-l', 'app=everything', '-o', 'json'));
    const { spec } = (items as V1Pod[]).find(({ metadata }) => !metadata?.deletionTimestamp)!;
    const mounted = (each: { volumeMounts?: { name: string }[] }): boolean =>
      each.volumeMounts?.some(({ name }) => name === VOLUME.kubernetes) ?? false;
    assert.deepEqual(
      [...spec!.initContainers!, ...spec!.containers].filter(mounted).map(({ name }) => name),
      [SIDECAR_CONTAINER],
    );
  });

  test('a caller gets what is granted, as can-i says', async () => {
    assert.equal((await mcp('grant', '--to', `sa:${NAMESPACE}/planner`, '--tools', 'echo,get-sum')).code, 0);
    assert.equal((await tools('planner')).stdout, 'echo\nget-sum\n');
    assert.equal((await tools('other')).stdout, '');
    const called = (name: string) =>
      mcp('call', 'everything', name, '--arg', 'message=hi', '--as-serviceaccount', `${NAMESPACE}/planner`);
    assert.match((await called('echo')).stdout, /hi/);
    assert.match((await called('get-env')).stderr, /has no tool "get-env"/);
    const listed = await mcp(
      'can-i',
      'call',
      '--list',
      'everything',
      '--as',
      `${NAMESPACE}/planner`,
      '-o',
      'name',
    );
    assert.equal(listed.stdout, 'echo\nget-sum\n');
  });

  test('a binding that is taken away is without effect within 30 seconds', async (t) => {
    assert.equal((await tools('planner')).stdout, 'echo\nget-sum\n');
    const removedMs = performance.now();
    assert.equal((await mcp('grant', '--to', `sa:${NAMESPACE}/planner`, '--all', '--revoke')).code, 0);
    const doneMs = performance.now();
    await waitFor('an empty list', async () => (await tools('planner')).stdout === '', 60_000);
    t.diagnostic(`${((performance.now() - doneMs) / 1_000).toFixed(1)} s`);
    // What a look takes, before and after.
    assert.ok(performance.now() - removedMs < ALLOWED_MS + 10_000);
  });

  test('without its Role the proxy lets nobody through; doctor says so, and enable writes it again', async () => {
    await inNamespace('delete', ROLE);
    await waitFor('503', async () => /cannot be asked/.test((await tools('other')).stderr), 60_000);
    const doctor = await mcp('doctor');
    assert.match(doctor.stdout, /× MCP715 pod everything-\S+ in namespace \S+: the API server does not say/);
    assert.match(doctor.stdout, /localsubjectaccessreviews/);
    assert.match((await mcp('enable', 'deploy/everything')).stdout, new RegExp(`^${ROLE} created$`, 'm'));
    await waitFor('an answer', async () => (await tools('other')).code === 0, 60_000);
  });

  test('disable takes the Role away', async () => {
    const { code, stdout, stderr } = await mcp('disable', 'deploy/everything');
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^${BINDING} deleted\n${ROLE} deleted$`, 'm'));
  });
});
