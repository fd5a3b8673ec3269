/** Proxies that are outdated are found and renewed; the pods' annotations are changed, for the webhook serves others. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { deployEverything } from './everything.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-restart');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const mcp = (command: string, ...args: string[]) => kubectlMcp(command, '-n', NAMESPACE, ...args);

async function pods(): Promise<string[]> {
  const out = await inNamespace('get', 'pods', '-l', 'app=everything', '-o', 'name');
  return out.trim().split('\n').toSorted();
}

async function outdatedColumn(): Promise<string> {
  const { stdout } = await mcp('list', '-o', 'json', '--probe=false');
  return String(JSON.parse(stdout).items[0].outdatedPods);
}

describe('restart on a cluster', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await deployEverything(NAMESPACE);
    const annotations = { 'kubectl-mcp.dev/inject': 'true', 'kubectl-mcp.dev/port': '3001' };
    const patch = { spec: { template: { metadata: { annotations } } } };
    await inNamespace('patch', 'deployment', 'everything', '-p', JSON.stringify(patch));
    await inNamespace('rollout', 'status', 'deployment/everything', '--timeout=120s');
  });
  after(() => removeNamespace(NAMESPACE));

  test('what the webhook has just made is of now', async () => {
    const { code, stdout, stderr } = await mcp('restart', '--outdated');
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 0, stdout: '', stderr: 'No outdated proxies found.\n' },
    );
    assert.equal(await outdatedColumn(), '0');
  });

  test('an outdated proxy is listed, told by doctor, and renewed', async () => {
    await inNamespace('annotate', 'pods', '-l', 'app=everything', 'kubectl-mcp.dev/deny-tools=get-env');
    assert.notEqual(await outdatedColumn(), '0');
    const { stdout: told } = await mcp('doctor', '-o', 'short');
    assert.match(told, /MCP402 deployment\.apps\/everything .* outdated\n {4}another configuration\n/);
    const old = await pods();
    const dry = await mcp('restart', '--outdated', '--dry-run=server');
    assert.match(dry.stdout, /^deployment\.apps\/everything restarted \(server dry run\)\n/);
    const { code, stdout, stderr } = await mcp('restart', '--outdated', '--timeout', '120s');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^deployment\.apps\/everything restarted\n {4}\d pods?: another configuration\n$/);
    assert.equal(await outdatedColumn(), '0');
    const fresh = (await pods()).filter((each) => !old.includes(each));
    assert.equal(fresh.length, 1);
  });

  test('a rollout that gets nowhere ends it, with the command that goes on', async () => {
    await inNamespace('annotate', 'pods', '-l', 'app=everything', 'kubectl-mcp.dev/deny-tools=get-env');
    const quota = ['create', 'quota', 'none', '--hard=pods=1'];
    await inNamespace(...quota);
    const { code, stderr } = await mcp('restart', '--outdated', '--timeout', '5s');
    assert.equal(code, 1);
    assert.match(stderr, /pods are not created: a ResourceQuota leaves no room/);
    assert.match(stderr, /To go on when it is mended: kubectl mcp restart --outdated -n test-restart-\w+\n$/);
    await inNamespace('delete', 'quota', 'none');
  });
});
