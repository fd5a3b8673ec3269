/** What `enable` writes as NetworkPolicy, enforced: by a stand-in, where the cluster's network has no engine. */
import assert from 'node:assert/strict';
import type { V1NetworkPolicy, V1Pod } from '@kubernetes/client-node';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, tryRun } from '../rig/cluster/run.ts';
import { removalOf, rulesOf } from '../rig/enforce-policies.ts';
import { deployEverything } from './everything.ts';
import { callOnce } from './keep-calling.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-network-policy');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const itemsOf = async <T>(...args: string[]): Promise<T[]> =>
  (JSON.parse(await inNamespace('get', ...args, '-o', 'json')) as { items: T[] }).items;
const mcp = (...args: string[]) => kubectlMcp(...args, '-n', NAMESPACE);

async function enforce(): Promise<void> {
  await stopEnforcing();
  const script = rulesOf(await itemsOf<V1NetworkPolicy>('networkpolicies'), await itemsOf<V1Pod>('pods'));
  await run(['iptables-restore', '-w', '--noflush'], script);
}
async function stopEnforcing(): Promise<void> {
  const { stdout } = await tryRun(['iptables-save', '-t', 'filter']);
  await run(['iptables-restore', '-w', '--noflush'], removalOf(stdout));
}

/** From within the server's container, whose network is the proxy's too. */
async function reaches(host: string, port: string): Promise<string> {
  const program = `const s=require('net').connect({host:'${host}',port:${port},timeout:2000});
for (const e of ['connect','timeout','error']) s.once(e,()=>{console.log(e);process.exit()})`;
  const out = await inNamespace(
    'exec',
    'deploy/everything',
    '-c',
    'everything',
    '--',
    '/usr/bin/node',
    '-e',
    program,
  );
  return out.trim();
}

const apiServer = async (): Promise<[string, string]> => {
  const url = new URL(
    await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}']),
  );
  return [url.hostname, url.port];
};

describe('NetworkPolicies of enable, enforced', { skip: noCluster, timeout: 400_000 }, () => {
  let service = '';
  before(async () => {
    await deployEverything(NAMESPACE);
    const { code, stderr } = await mcp('enable', 'deploy/everything', '--auth=none');
    assert.equal(code, 0, stderr);
    service = (await inNamespace('get', 'service', 'everything', '-o', 'jsonpath={.spec.clusterIP}')).trim();
  });
  after(async () => {
    await stopEnforcing();
    await removeNamespace(NAMESPACE);
  });

  test('without an engine doctor finds the port open', async () => {
    const { stdout } = await mcp('doctor', 'deploy/everything', '--probe');
    assert.match(stdout, /MCP609 .*answers other pods: this network enforces no NetworkPolicy/);
  });

  test('enforced, the dial of the port is refused, the proxy answers, and so do probes', async () => {
    await enforce();
    const { stdout } = await mcp('doctor', 'deploy/everything', '--probe');
    assert.match(stdout, /√ MCP609/);
    assert.equal(await callOnce(`http://${service}/mcp`), '200');
    await sleep(5_000);
    const [pod] = await itemsOf<V1Pod>('pods', '-l', 'app=everything');
    assert.ok(pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
  });

  test('egress: none lets nothing out, and a destination that is listed alone', async () => {
    const [host, port] = await apiServer();
    assert.equal(await reaches(host, port), 'connect');
    const closed = await mcp('enable', 'deploy/everything', '--egress=none');
    assert.equal(closed.code, 0, closed.stderr);
    assert.match(
      closed.stdout,
      /networkpolicy.networking.k8s.io\/everything-mcp-egress created\n {4}admits nothing/,
    );
    await enforce();
    assert.equal(await reaches(host, port), 'timeout');
    assert.equal(await callOnce(`http://${service}/mcp`), '200', 'answers go out');

    const listed = await mcp('enable', 'deploy/everything', `--egress=${host}:${port}`);
    assert.equal(listed.code, 0, listed.stderr);
    await enforce();
    assert.equal(await reaches(host, port), 'connect');
    assert.equal(await reaches(host, '22'), 'timeout');
  });

  test('egress for service accounts’ tokens admits the API server by itself', async () => {
    const { code, stderr } = await mcp('enable', 'deploy/everything', '--auth=kubernetes', '--egress=none');
    assert.equal(code, 0, stderr);
    await enforce();
    const audience = `https://everything.${NAMESPACE}.mcp.kubectl-mcp.dev`;
    const token = (await inNamespace('create', 'token', 'default', `--audience=${audience}`)).trim();
    assert.equal(await callOnce(`http://${service}/mcp`, token), '200');
    assert.equal(await callOnce(`http://${service}/mcp`, 'none'), '401');
  });
});
