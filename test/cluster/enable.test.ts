/** enable and disable on a real cluster: nothing is lost on the way, and nothing is left behind. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployEverything } from './everything.ts';
import { callOnce, keepCalling } from './keep-calling.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-enable');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const json = async (...args: string[]) => JSON.parse(await inNamespace(...args, '-o', 'json'));

/** What enable may change of the user's own objects, and disable has to bring back. */
async function userObjects(): Promise<unknown> {
  const { items } = await json('get', 'deployments,services');
  return items.map(
    ({
      metadata,
      spec,
    }: {
      metadata: { name: string; annotations?: Record<string, string> };
      spec: object;
    }) => {
      const { 'deployment.kubernetes.io/revision': _revision, ...annotations } = metadata.annotations ?? {};
      return { name: metadata.name, annotations, spec };
    },
  );
}

async function ownObjects(): Promise<string[]> {
  const out = await inNamespace('get', 'networkpolicies,secrets', '-o', 'name');
  return out.split('\n').filter((each) => each !== '');
}

describe('enable and disable on a cluster', { skip: noCluster, timeout: 600_000 }, () => {
  let url = '';
  let found: unknown;

  before(async () => {
    await deployEverything(NAMESPACE, 2);
    const { spec } = await json('get', 'service', 'everything');
    url = `http://${spec.clusterIP}/mcp`;
    for (let left = 40; (await callOnce(url)) !== '200' && left > 0; left--) await sleep(250);
    found = await userObjects();
  });
  after(() => removeNamespace(NAMESPACE));

  test('a dry run of either kind shows the plan and changes nothing', async () => {
    for (const strategy of ['client', 'server']) {
      const { code, stdout, stderr } = await kubectlMcp(
        'enable',
        'everything',
        '-n',
        NAMESPACE,
        `--dry-run=${strategy}`,
      );
      assert.equal(code, 0, stderr);
      const note = strategy === 'client' ? 'dry run' : 'server dry run';
      for (const line of ['deployment.apps/everything enabled', 'service/everything repointed']) {
        assert.ok(stdout.includes(`${line} (${note})`), stdout);
      }
      assert.match(stdout, /port 80: targetPort mcp -> 7410\n {4}port 3001: targetPort 3001 -> 7410/);
      assert.ok(!stdout.includes('service/other'));
    }
    assert.deepEqual(await userObjects(), found);
    assert.deepEqual(await ownObjects(), []);
  });

  test('what the webhook would refuse is refused before anything is changed', async () => {
    const cases: [string[], RegExp][] = [
      [['--mode', 'sometimes'], /kubectl-mcp\.dev\/mode: "sometimes" is not allowed; set it to "all" or/],
      [['--port', '7410'], /kubectl-mcp\.dev\/listen-port: "7410" is a port of container "everything"/],
      [
        ['--auth', 'token', '--token-secret', 'nope'],
        /Secret nope in namespace test-enable-\w+ does not exist\n[\s\S]*Next: kubectl create secret generic nope [\s\S]*or leave --token-secret out/,
      ],
      [
        ['--audience', 'https://x', '--auth', 'none'],
        /has no effect without kubectl-mcp\.dev\/auth: "kubernetes"/,
      ],
    ];
    for (const [flags, expected] of cases) {
      const { code, stderr } = await kubectlMcp('enable', 'everything', '-n', NAMESPACE, ...flags);
      assert.equal(code, 1);
      assert.match(stderr, expected);
    }
    assert.deepEqual(await userObjects(), found);
    assert.deepEqual(await ownObjects(), []);
  });

  test('pods that do not get ready in time: all is taken back, and that is said', async () => {
    const { code, stderr } = await kubectlMcp('enable', 'everything', '-n', NAMESPACE, '--timeout', '1s');
    assert.equal(code, 1);
    assert.match(stderr, /deployment\.apps\/everything restored\nsecret\/everything-mcp-keys deleted/);
    assert.match(
      stderr,
      /error: deployment\.apps\/everything: timed out\n[^]*What had been changed was taken back\n$/,
    );
    assert.deepEqual(await userObjects(), found);
    assert.deepEqual(await ownObjects(), []);
    await inNamespace('rollout', 'status', 'deployment/everything', '--timeout=120s');
  });

  test('enable cuts no caller off: each is served, or told to authenticate', async () => {
    const stop = keepCalling(url);
    const { code, stdout, stderr } = await kubectlMcp('enable', 'deploy/everything', '-n', NAMESPACE);
    await sleep(2_000);
    const answers = await stop();
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line !== '' && !line.startsWith(' ')),
      [
        'secret/everything-mcp-keys created',
        'deployment.apps/everything enabled',
        'service/everything repointed',
        'networkpolicy.networking.k8s.io/everything-mcp created',
      ],
    );
    assert.deepEqual(Object.keys(answers).toSorted(), ['200', '401'], JSON.stringify(answers));
  });

  test('the old address answers 401, and 200 to a service account’s token', async () => {
    assert.equal(await callOnce(url), '401');
    const audience = `https://everything.${NAMESPACE}.mcp.kubectl-mcp.dev`;
    const token = (await inNamespace('create', 'token', 'default', `--audience=${audience}`)).trim();
    assert.equal(await callOnce(url, token), '200');
  });

  test('enabling what is enabled changes nothing', async () => {
    const { code, stdout, stderr } = await kubectlMcp('enable', 'deploy/everything', '-n', NAMESPACE);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'deployment.apps/everything unchanged\n');
  });

  test('disable cuts no caller off, and leaves all as enable found it', async () => {
    const stop = keepCalling(url);
    const { code, stderr } = await kubectlMcp('disable', 'deploy/everything', '-n', NAMESPACE);
    await sleep(2_000);
    const answers = await stop();
    assert.equal(code, 0, stderr);
    assert.deepEqual(Object.keys(answers).toSorted(), ['200', '401'], JSON.stringify(answers));
    assert.deepEqual(await userObjects(), found);
    assert.deepEqual(await ownObjects(), []);
    const again = await kubectlMcp('disable', 'deploy/everything', '-n', NAMESPACE);
    assert.equal(again.stdout, 'deployment.apps/everything unchanged\n');
  });
});
