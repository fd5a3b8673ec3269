/** Two servers in one pod: the sample, called through its Service with tokens of each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { audienceOf } from '../../webhook/names.ts';
import { initialize } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-several');
const SAMPLE = readFileSync(new URL('../../manifests/samples/several-servers.yaml', import.meta.url), 'utf8');
const TOKEN = 'change-this-token-of-the-tester';
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const mcp = (...args: string[]) => kubectlMcp(...args, '-n', NAMESPACE);
const mint = async (audience: string) =>
  (await inNamespace('create', 'token', 'default', `--audience=${audience}`)).trim();

describe('two servers in one pod', { skip: noCluster, timeout: 240_000 }, () => {
  const url = { everything: '', reference: '' };
  let own = '';

  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['-n', NAMESPACE, 'apply', '-f', '-'], { input: SAMPLE });
    await inNamespace('rollout', 'status', 'deployment/tools', '--timeout=180s');
    const address = await inNamespace('get', 'service', 'tools', '-o', 'jsonpath={.spec.clusterIP}');
    url.everything = `http://${address}/mcp`;
    url.reference = `http://${address}:81/mcp`;
    own = await mint(audienceOf('tools', NAMESPACE, 'everything'));
  });
  after(() => removeNamespace(NAMESPACE));

  test('take tokens of their own, and none of the other’s', async () => {
    const other = await mint(audienceOf('tools', NAMESPACE, 'reference'));
    const ofPod = await mint(audienceOf('tools', NAMESPACE));
    for (const [at, title, token, status] of [
      ['everything', 'its own audience', own, 200],
      ['everything', 'the audience of the other', other, 401],
      ['everything', 'the audience of the pod', ofPod, 401],
      ['everything', 'the token of the other', TOKEN, 401],
      ['reference', 'a token of its Secret', TOKEN, 200],
      ['reference', 'the audience of the other', own, 401],
      ['reference', 'no token', undefined, 401],
    ] as const)
      assert.equal((await initialize(url[at], token)).status, status, `${at}: ${title}`);
  });

  test('are listed, and called by name', async () => {
    const { stdout: list, stderr } = await mcp('list');
    assert.match(list, /deployment\/tools \(everything\) .* kubernetes +1\/1 +\d+ +http:\/\/tools\./, stderr);
    assert.match(list, /deployment\/tools \(reference\) .* token +1\/1 +\d+ +http:\/\/tools\.\S+:81\/mcp/);
    const which = await mcp('tools', 'deploy/tools');
    assert.equal(which.code, 1);
    assert.match(which.stderr, /has several servers: everything, reference\nChoose one: --mcp-server NAME/);
    const tools = await mcp('tools', 'deploy/tools', '--mcp-server', 'reference', '-o', 'name');
    assert.equal(tools.code, 0, tools.stderr);
    const echo = await mcp('call', 'tools', 'echo', '--arg', 'message=hello', '--mcp-server=everything');
    assert.deepEqual([echo.code, echo.stdout], [0, 'Echo: hello\n'], echo.stderr);
    const denied = await mcp('tools', 'deploy/tools', '--mcp-server', 'everything', '-o', 'name');
    assert.doesNotMatch(denied.stdout, /^get-env$/m);
    const none = await mcp('tools', 'deploy/tools', '--mcp-server', 'news');
    assert.match(none.stderr, /has no server "news"; it has: everything, reference/);
  });

  test('are told apart in audit lines, and doctor finds nothing wrong', async () => {
    const lines = await inNamespace('logs', 'deployment/tools', '-c', 'mcp-proxy');
    for (const name of ['everything', 'reference'])
      assert.match(lines, new RegExp(`"outcome":"success","component":"tools/${name}"`));
    const { code, stdout } = await mcp('doctor', 'deploy/tools');
    assert.equal(code, 0, stdout);
  });
});
