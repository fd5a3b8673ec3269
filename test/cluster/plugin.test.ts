/** The plugin against a real cluster: a server made by it is listed, asked and called as its callers are. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WEBHOOK_CONFIGURATION } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { run } from '../plugin/run.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';

const NAMESPACE = namespaceName('p-plugin');
const OTHER = namespaceName('p-other');
const IMAGE = imageName('everything');
const env = { KUBECONFIG: layoutOf(process.env).kubeconfig };

/** Says `p-plugin` and `p-other` for the namespaces of this run. */
async function mcp(...args: string[]) {
  const { code, stdout, stderr } = await run(['-n', NAMESPACE, ...args], { env });
  const plain = (text: string) => text.replaceAll(NAMESPACE, 'p-plugin').replaceAll(OTHER, 'p-other');
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}
/** stdout of a run that must go well. */
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mcp(...args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}
async function failing(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mcp(...args);
  assert.equal(code, 1, `${args.join(' ')}: ${stdout}`);
  return stderr;
}
const create = (name: string, ...flags: string[]) =>
  ok('create', 'server', name, `--image=${IMAGE}`, '--port=3001', ...flags);

describe('kubectl mcp on a cluster', { skip: noCluster, timeout: 300_000 }, () => {
  before(async () => {
    await Promise.all([NAMESPACE, OTHER].map((each) => createNamespace(each)));
    await run(['install'], { env });
    await kubectl(
      `-n ${NAMESPACE} create secret generic callers --from-literal=alice=alice-0123456789abcdef --from-literal=bob=bob-0123456789abcdef`.split(
        ' ',
      ),
    );
    await create('weather', '--deny-tools=get-env');
    await create('tokens', '--auth=token', '--token-secret=callers');
    await create('open', '--auth=none', '--mode=read-only');
    await kubectl(['-n', NAMESPACE, 'create', 'deployment', 'plain', `--image=${IMAGE}`, '--port=3001']);
    for (const name of ['weather', 'tokens', 'open', 'plain']) {
      await kubectl(['-n', NAMESPACE, 'rollout', 'status', `deployment/${name}`, '--timeout=120s']);
    }
    await listWithTools();
  });
  after(() => Promise.all([NAMESPACE, OTHER].map(removeNamespace)));

  test('a second install changes nothing', async () => {
    const { code, stdout } = await run(['install'], { env });
    assert.equal(code, 0);
    const lines = stdout.trim().split('\n');
    assert.ok(lines.length > 8);
    for (const line of lines) assert.match(line, / unchanged$/);
    assert.equal(
      lines.at(-1),
      `mutatingwebhookconfiguration.admissionregistration.k8s.io/${WEBHOOK_CONFIGURATION} unchanged`,
    );
  });

  test('uninstall names the workloads that are still annotated, and without a terminal removes nothing', async () => {
    const { code, stdout, stderr } = await mcp('uninstall');
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /^Warning: these workloads are still annotated\. .*no authentication/);
    assert.match(stderr, /\n {2}deployment\/weather -n p-plugin\n/);
    assert.match(stderr, /\nerror: nothing was removed\n/);
  });

  test('list shows what is annotated, with the tools that its sidecar has', async () => {
    const rows = await listWithTools();
    assert.deepEqual(rows[0], ['NAME', 'TRANSPORT', 'AUTH', 'READY', 'TOOLS', 'URL', 'AGE', 'BYPASS']);
    const byName = Object.fromEntries(rows.slice(1).map((each) => [each[0], each.toSpliced(6, 1)]));
    assert.deepEqual(byName, {
      'deployment/open': row('open', 'none', '9'),
      'deployment/tokens': row('tokens', 'token', '13'),
      'deployment/weather': row('weather', 'kubernetes', '12'),
    });
    assert.equal(
      await ok('list', '-o', 'name'),
      'deployment.apps/open\ndeployment.apps/tokens\ndeployment.apps/weather\n',
    );
  });

  test('tools are those of the caller: a denied one is not there', async () => {
    const names = (await ok('tools', 'deploy/weather', '-o', 'name')).trim().split('\n');
    assert.ok(names.includes('echo'));
    assert.ok(!names.includes('get-env'));
    assert.match(
      await ok('tools', 'weather'),
      /^NAME +READ-ONLY +DESTRUCTIVE +DESCRIPTION\necho +true +false +Echoes/,
    );
  });

  for (const name of ['weather', 'tokens', 'open']) {
    test(`call reaches a tool of deployment/${name}`, async () => {
      assert.equal(await ok('call', name, 'echo', '--arg', 'message=hello'), 'Echo: hello\n');
    });
  }

  test('arguments are typed by the schema, and the result comes whole with -o json', async () => {
    const { _meta: meta, ...sum } = JSON.parse(
      await ok('call', 'weather', 'get-sum', '--arg', 'a=2', '--arg', 'b=40', '-o', 'json'),
    );
    assert.deepEqual(sum, { content: [{ type: 'text', text: 'The sum of 2 and 40 is 42.' }] });
    // 2026-07-28 has it in each result, and the proxy speaks that whatever the server does.
    assert.equal(meta['io.modelcontextprotocol/serverInfo'].name, 'mcp-servers/everything');
    assert.match(await failing('call', 'weather', 'get-sum', '--arg', 'a=two'), /"two" is not number/);
    assert.match(
      await failing('call', 'weather', 'get-sum'),
      /the tool needs --arg a=<number> --arg b=<number>/,
    );
  });

  test('an error that the tool reports is printed, and is exit code 1', async () => {
    const { code, stdout, stderr } = await mcp('call', 'weather', 'echo', '--json', '{"message":1}');
    assert.equal(code, 1);
    assert.match(stdout, /Invalid arguments for tool echo/);
    assert.equal(stderr, 'error: tool "echo" of deployment/weather reported an error\n');
  });

  test('a denied tool is refused like one that does not exist', async () => {
    const [denied, unknown] = [
      await failing('call', 'weather', 'get-env'),
      await failing('call', 'weather', 'get-abc'),
    ];
    assert.match(
      denied,
      /^error: deployment\/weather has no tool "get-env" for system:serviceaccount:p-plugin:default/,
    );
    assert.equal(denied.replaceAll('get-env', 'get-abc'), unknown);
  });

  test('a service account of another namespace is refused, with the rule that refuses it', async () => {
    const stderr = await failing(
      'call',
      'weather',
      'echo',
      '--arg',
      'message=x',
      '--as-serviceaccount',
      `${OTHER}/default`,
    );
    assert.match(
      stderr,
      /^error: deployment\/weather does not let system:serviceaccount:p-other:default call \(403\)/,
    );
    assert.match(stderr, /p-plugin\/\*/);
  });

  test('a caller of the token Secret is chosen by its key', async () => {
    const call = ['call', 'tokens', 'echo', '--arg', 'message=x'];
    assert.equal(await ok(...call, '--token-from-secret', 'bob'), 'Echo: x\n');
    assert.match(
      await failing(...call, '--token-from-secret', 'carol'),
      /^error: secret\/callers in namespace p-plugin has no key "carol"; its keys: alice, bob\n/,
    );
  });

  test('what is missing on the way to a server is said with the next command', async () => {
    assert.match(
      await failing('tools', 'nope'),
      /^error: no deployment, statefulset or daemonset "nope" in namespace p-plugin\n/,
    );
    assert.match(
      await failing('tools', 'sts/nope'),
      /^Error from server \(NotFound\): statefulsets\.apps "nope" not found/,
    );
    assert.match(
      await failing('tools', 'plain'),
      /^error: deployment\/plain in namespace p-plugin is not an MCP server yet: .*\nMake it one: kubectl mcp enable deployment\/plain -n p-plugin\n$/,
    );
    assert.match(
      await failing('call', 'weather', 'echo', '--as-serviceaccount', 'nope'),
      /no serviceaccount "nope" in namespace p-plugin/,
    );
  });

  test('a user without rights is told which', async () => {
    const asBob = await failing('list', '--as', 'bob');
    assert.match(asBob, /^Error from server \(Forbidden\): .*User "bob" cannot list resource/);
    assert.equal(
      (await mcp('list', '--as', 'bob', '--as-group', 'x', '--as-group', 'system:masters')).code,
      0,
    );
  });

  test('version counts the sidecars in use', async () => {
    assert.match(
      await ok('version'),
      /^Client Version: .*\nWebhook Version: .*\nSidecar Versions: .* \(\d+ pods?\)\n$/,
    );
  });
});

const row = (name: string, auth: string, tools: string): string[] => [
  `deployment/${name}`,
  'streamable-http',
  auth,
  '1/1',
  tools,
  `http://${name}.p-plugin.svc:80/mcp`,
  '?',
];

/** A sidecar is ready before its server is, and knows the tools a moment later. */
async function listWithTools(): Promise<string[][]> {
  for (let attempt = 1; ; attempt++) {
    const rows = (await ok('list'))
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    if (attempt === 30 || rows.every((each) => each[4] !== '-')) return rows;
    await sleep(1_000);
  }
}
