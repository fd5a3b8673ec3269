/** Tokens of a workload from the first, for which its pods wait, to the last: rotated, ended and revoked. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';
import { answersOf, tokenManifest } from './token-workload.ts';

const NAMESPACE = namespaceName('test-token-life');
const token = (...args: string[]) => kubectlMcp('token', ...args, '-n', NAMESPACE);
const answers = async (bearer: string): Promise<number[]> =>
  (await answersOf(NAMESPACE, bearer)).map(({ status }) => status);

async function made(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await token(...args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^kmcp_[0-9A-Za-z]{49}\n$/);
  return stdout.trim();
}

describe('the life of tokens', { skip: noCluster, timeout: 180_000 }, () => {
  let first = '';
  let second = '';
  before(async () => {
    await createNamespace(NAMESPACE);
    // Its Secret is not there yet: the pods wait for it.
    await kubectl(['apply', '-f', '-'], { input: tokenManifest(NAMESPACE) });
  });
  after(() => removeNamespace(NAMESPACE));

  test('create makes the Secret that pods wait for', async () => {
    first = await made('create', 'deploy/everything', 'ci', '--for', 'the nightly build');
    assert.deepEqual(await answers(first), [200, 200]);
    assert.match(
      (await token('list', 'everything')).stdout,
      /^CALLER +ID +STATUS +EXPIRES +AGE +FOR\nci +[0-9a-f]{8} +Active +in (89|90)d +\d+s +the nightly build\n$/,
    );
    const again = await token('create', 'everything', 'ci');
    assert.match(again.stderr, /^Error from server \(AlreadyExists\): caller "ci" already has a token/);
    const called = await kubectlMcp('call', 'everything', 'echo', '--arg', 'message=hi', '-n', NAMESPACE);
    assert.match(called.stderr, /holds no token to call with, but digests/);
  });

  test('rotate lets both in, until the old one is revoked by its id, in all pods when the command returns', async () => {
    second = await made('rotate', 'everything', 'ci', '--overlap', '30m');
    assert.deepEqual([await answers(first), await answers(second)].flat(), [200, 200, 200, 200]);
    const { tokens } = JSON.parse((await token('list', 'everything', '-o', 'json')).stdout);
    assert.deepEqual(
      tokens.map((each: { for: string }) => each.for),
      ['the nightly build', 'the nightly build'],
    );
    const revoked = await token('revoke', 'everything', 'ci', '--id', tokens[0].id);
    assert.equal(revoked.stdout, `token "ci" (${tokens[0].id}) revoked\n`, revoked.stderr);
    assert.match(revoked.stderr, /In force in 2 pods\n$/);
    assert.deepEqual([await answers(first), await answers(second)].flat(), [401, 401, 200, 200]);
  });

  test('a token ends by itself, and its holder is told so', async () => {
    const short = await made('create', 'everything', 'short', '--expires-in', '6s', '--wait=false');
    const { tokens } = JSON.parse((await token('list', 'everything', '-o', 'json')).stdout);
    const { expires } = tokens.find((each: { caller: string }) => each.caller === 'short');
    // Nobody waits for the kubelet: a change of another caller's brings this one, too.
    await made('rotate', 'everything', 'ci', '--overlap', '1h');
    await delay(Math.max(0, Date.parse(expires) - Date.now() + 100));
    assert.deepEqual(await answers(short), [401, 401]);
    assert.deepEqual(await answers(second), [200, 200]);
    const [told] = await answersOf(NAMESPACE, short);
    assert.match(told!.body, /the token has expired/);
  });

  test('revoke that cannot wait so long names the pods, and fails', async () => {
    const { code, stdout, stderr } = await token('revoke', 'everything', 'short', '--timeout', '0s');
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /timed out after 0 s: "short" may still be let in by\n  pod\/everything-\S+: has the tokens of before\n  pod\/everything-\S+: has/,
    );
  });

  test('revoke returns when no pod takes the token any more; after the last one nobody can call, and it is said', async () => {
    const started = performance.now();
    const { code, stdout, stderr } = await token('revoke', 'everything', 'ci');
    const seconds = (performance.now() - started) / 1000;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'token "ci" revoked\n');
    assert.match(stderr, /^Warning: nobody can call: secret\/callers holds no token\n/);
    assert.deepEqual(await answers(second), [503, 503]);
    console.log(`revoked in 2 pods after ${seconds.toFixed(1)} s`);
  });
});
