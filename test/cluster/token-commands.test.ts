/** Tokens made and taken away with `kubectl mcp token`, and what both pods of a workload say to them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';
import { answersOf, tokenManifest } from './token-workload.ts';

const NAMESPACE = namespaceName('test-token-commands');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const token = (...args: string[]) => kubectlMcp('token', ...args, '-n', NAMESPACE);
const answers = async (bearer: string): Promise<number[]> =>
  (await answersOf(NAMESPACE, bearer)).map(({ status }) => status);

async function made(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await token(...args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^kmcp_[0-9A-Za-z]{49}\n$/);
  return stdout.trim();
}

describe('kubectl mcp token', { skip: noCluster, timeout: 180_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-token-'));
  let first = '';
  before(async () => {
    await createNamespace(NAMESPACE);
    await inNamespace('create', 'secret', 'generic', 'callers', '--from-literal=old=readable');
    await kubectl(['apply', '-f', '-'], { input: tokenManifest(NAMESPACE) });
    await inNamespace('rollout', 'status', 'deployment/everything', '--timeout=120s');
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  test('create writes a digest, and returns when all pods take the token', async () => {
    first = await made('create', 'deploy/everything', 'ci', '--for', 'the nightly build');
    assert.deepEqual(await answers(first), [200, 200]);
    assert.ok(
      !(await inNamespace('get', 'secret', 'callers', '-o', 'yaml')).includes(btoa(first).slice(0, 20)),
    );
  });

  test('its holder calls', async () => {
    writeFileSync(join(directory, 'token'), first);
    const call = ['call', 'everything', 'echo', '--arg', 'message=hi', '-n', NAMESPACE];
    const good = await kubectlMcp(...call, '--token-from-file', join(directory, 'token'));
    assert.equal(good.stdout, 'Echo: hi\n', good.stderr);
  });

  test('revoke returns when no pod takes the token any more; another caller stays', async () => {
    const { code, stdout, stderr } = await token('revoke', 'everything', 'ci');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'token "ci" revoked\n');
    assert.deepEqual(await answers(first), [401, 401]);
    assert.deepEqual(await answers('readable'), [200, 200]);
  });
});
