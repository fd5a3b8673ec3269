/** doctor on a real cluster: it names what is broken, and only that. */
import assert from 'node:assert/strict';
import type { V1Pod } from '@kubernetes/client-node';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployEverything } from './everything.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-doctor');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);

interface Entry {
  readonly code: string;
  readonly result: string;
  readonly error?: string;
  readonly cause?: string[];
}

async function doctor(
  ...flags: string[]
): Promise<{ code: number; entries: Entry[]; of: (code: string) => Entry }> {
  const { code, stdout, stderr } = await kubectlMcp(
    'doctor',
    'deploy/everything',
    '-n',
    NAMESPACE,
    '-o',
    'json',
    ...flags,
  );
  assert.notEqual(stdout, '', stderr);
  const entries = (JSON.parse(stdout) as { categories: { checks: Entry[] }[] }).categories.flatMap(
    (each) => each.checks,
  );
  return { code, entries, of: (wanted) => entries.find((each) => each.code === wanted)! };
}

const failures = (entries: readonly Entry[]) =>
  entries.filter((each) => each.result === 'error').map((each) => `${each.code} ${each.error}`);

async function thePod(): Promise<V1Pod> {
  const list = JSON.parse(await inNamespace('get', 'pods', '-l', 'app=everything', '-o', 'json'));
  return (list.items as V1Pod[]).find((each) => !each.metadata!.deletionTimestamp)!;
}

const serverOf = (pod: V1Pod) => pod.status!.containerStatuses!.find((each) => each.name === 'everything')!;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let left = 120; left > 0; left--) {
    if (await holds()) return;
    await sleep(250);
  }
  assert.fail(`not within 30 s: ${what}`);
}

const ports = (target: number) =>
  JSON.stringify({ spec: { ports: [{ name: 'http', port: 80, targetPort: target }] } });

describe('doctor on a cluster', { skip: noCluster, timeout: 600_000 }, () => {
  before(async () => {
    await deployEverything(NAMESPACE);
    const { code, stderr } = await kubectlMcp(
      'enable',
      'everything',
      '-n',
      NAMESPACE,
      '--deny-tools',
      'get-env',
    );
    assert.equal(code, 0, stderr);
    await until('the server is connected', async () => (await doctor()).code === 0);
  });
  after(() => removeNamespace(NAMESPACE));

  test('an enabled workload has no errors; without a dial nothing is said of a bypass', async () => {
    const { code, entries, of } = await doctor();
    assert.equal(code, 0);
    assert.deepEqual(
      entries.filter((each) => each.result !== 'success').map((each) => each.code),
      ['MCP609'],
    );
    assert.equal(of('MCP609').result, 'skipped');
  });

  test('the dial finds the one bypass that is left, and its pod is gone afterwards', async () => {
    const { code, of } = await doctor('--probe');
    assert.equal(code, 0);
    assert.equal(of('MCP609').result, 'warning');
    assert.match(
      of('MCP609').error!,
      /the server's own port answers other pods: this network enforces no NetworkPolicy/,
    );
    await until('the pod is gone', async () => {
      const pods = await inNamespace(
        'get',
        'pods',
        '-l',
        'app.kubernetes.io/name=kubectl-mcp-dial',
        '-o',
        'name',
      );
      return pods.trim() === '';
    });
  });

  test('a pattern that matches no tool is a warning', async () => {
    await inNamespace('annotate', 'deployment/everything', 'example.com/touched=yes');
    const { code } = await kubectlMcp(
      'enable',
      'everything',
      '-n',
      NAMESPACE,
      '--deny-tools',
      'get-env,ehco',
    );
    assert.equal(code, 0);
    await until(
      'the new pod tells its tools',
      async () => (await doctor()).of('MCP705').result === 'warning',
    );
    assert.match((await doctor()).of('MCP705').error!, /"ehco" in deny-tools matches no tool/);
  });

  test('a Service that was set back leads past the proxy', async () => {
    await inNamespace('patch', 'service', 'everything', '-p', ports(3001));
    const { code, entries } = await doctor();
    assert.equal(code, 1);
    assert.deepEqual(failures(entries), [
      `MCP405 service/everything in namespace ${NAMESPACE}: port 80 reaches the server's own port 3001`,
    ]);
    await inNamespace('patch', 'service', 'everything', '-p', ports(7410));
    assert.equal((await doctor()).code, 0);
  });

  test('a server that ends is named with its state; the proxy does not restart', async () => {
    const restarts = async () => serverOf(await thePod()).restartCount;
    const end = async () =>
      inNamespace(
        'exec',
        (await thePod()).metadata!.name!,
        '-c',
        'everything',
        '--',
        '/usr/bin/node',
        '-e',
        "process.kill(1,'SIGINT')",
        // The container takes its exec along: that is no failure.
      ).catch(() => undefined);
    const restartsAtFirst = await restarts();
    await end();
    // The first restart comes at once, the second one after ten seconds: time enough to look.
    await until(
      'it has restarted',
      async () => (await restarts()) > restartsAtFirst && serverOf(await thePod()).ready,
    );
    await end();
    await until('it is down', async () => !serverOf(await thePod()).state!.running);
    const { code, of } = await doctor();
    assert.equal(code, 1);
    assert.match(of('MCP601').error!, /^pod everything-.*: the server does not answer at port 3001$/);
    assert.match(
      of('MCP601').cause!.join('\n'),
      /^container everything (terminated|waiting): .*exit code 0 \(Completed\), restarts \d/,
    );
    assert.equal(of('MCP504').result, 'success');
    assert.equal((await thePod()).status!.initContainerStatuses![0]!.restartCount, 0);
    await until('it is back', async () => (await doctor()).code === 0);
  });

  test('pods that the webhook refuses are told with its words', async () => {
    // Not refused before, for another webhook might add the container.
    const annotations = { 'kubectl-mcp.dev/container': 'nobody' };
    const patch = { spec: { template: { metadata: { annotations } } } };
    await inNamespace('patch', 'deployment', 'everything', '-p', JSON.stringify(patch));
    await until('the refusal is seen', async () => (await doctor()).of('MCP404').result === 'error');
    const { of } = await doctor();
    assert.match(
      of('MCP303').cause![0]!,
      /kubectl-mcp\.dev\/container: "nobody" is not a container of the pod/,
    );
    assert.match(
      of('MCP404').cause!.join('\n'),
      /caused by MCP303[^]*the webhook refuses them: kubectl-mcp\.dev\/container: "nobody"/,
    );
  });

  test('what cannot be checked is no success: exit code 2', async () => {
    const cases: [string[], RegExp][] = [
      [['deploy/nope', '-n', NAMESPACE], /deployments\.apps "nope" not found/],
      [['-n', 'd-not-there'], /namespaces "d-not-there" not found/],
      [['-s', 'https://127.0.0.1:59999'], /connection to the server 127\.0\.0\.1:59999 was refused/],
      [['-o', 'wide'], /allowed formats are: json,short,table/],
    ];
    for (const [flags, expected] of cases) {
      const { code, stderr } = await kubectlMcp('doctor', ...flags);
      assert.equal(code, 2, stderr);
      assert.match(stderr, expected);
    }
  });

  test('who may read little learns what was not checked', async () => {
    const user = ['--as', `system:serviceaccount:${NAMESPACE}:default`];
    const { code, stdout } = await kubectlMcp('doctor', '-n', NAMESPACE, ...user);
    assert.equal(code, 2);
    assert.match(stdout, /- MCP101, MCP106 skipped: no permission to get mutatingwebhookconfigurations/);
    assert.match(stdout, new RegExp(`no permission to list pods in namespace ${NAMESPACE}`));
    assert.match(stdout, /^0 passed, 0 warnings, 0 failed, \d+ skipped\nNothing could be checked\.$/m);
  });
});
