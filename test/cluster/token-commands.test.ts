/** Tokens made, replaced and taken away with `kubectl mcp token`, and what both pods of a workload say to them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { imageName } from '../images/build.ts';
import { initialize } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-token-commands');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const token = (...args: string[]) => kubectlMcp('token', ...args, '-n', NAMESPACE);

/** Its Secret is not there yet: the pods wait for it. */
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  replicas: 2
  selector: { matchLabels: { app: everything } }
  template:
    metadata:
      labels: { app: everything }
      annotations:
        kubectl-mcp.dev/inject: "true"
        kubectl-mcp.dev/auth: token
        kubectl-mcp.dev/token-secret: callers
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ containerPort: 3001 }]
`;

async function made(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await token(...args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^kmcp_[0-9A-Za-z]{49}\n$/);
  return stdout.trim();
}

/** What each pod answers, asked at its own address. */
async function answers(bearer: string): Promise<number[]> {
  const { items } = JSON.parse(await inNamespace('get', 'pods', '-o', 'json')) as { items: V1Pod[] };
  const asked = items.map(({ status }) => initialize(`http://${status!.podIP}:7410/mcp`, bearer));
  return (await Promise.all(asked)).map(({ status }) => status);
}

describe('kubectl mcp token', { skip: noCluster, timeout: 180_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-token-'));
  let first = '';
  let second = '';
  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-f', '-'], { input: MANIFEST });
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  test('create makes the Secret that pods wait for, with a digest in it, and returns when all take the token', async () => {
    first = await made('create', 'deploy/everything', 'ci', '--for', 'the nightly build');
    assert.deepEqual(await answers(first), [200, 200]);
    assert.ok(
      !(await inNamespace('get', 'secret', 'callers', '-o', 'yaml')).includes(btoa(first).slice(0, 20)),
    );
    assert.match(
      (await token('list', 'everything')).stdout,
      /^CALLER +ID +STATUS +EXPIRES +AGE +FOR\nci +[0-9a-f]{8} +Active +in (89|90)d +\d+s +the nightly build\n$/,
    );
    const again = await token('create', 'everything', 'ci');
    assert.match(again.stderr, /^Error from server \(AlreadyExists\): caller "ci" already has a token/);
  });

  test('its holder calls', async () => {
    writeFileSync(join(directory, 'token'), first);
    const call = ['call', 'everything', 'echo', '--arg', 'message=hi', '-n', NAMESPACE];
    const good = await kubectlMcp(...call, '--token-from-file', join(directory, 'token'));
    assert.equal(good.stdout, 'Echo: hi\n', good.stderr);
    assert.match((await kubectlMcp(...call)).stderr, /holds no token to call with, but digests/);
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
    const { items } = JSON.parse(await inNamespace('get', 'pods', '-o', 'json')) as { items: V1Pod[] };
    const told = await initialize(`http://${items[0]!.status!.podIP}:7410/mcp`, short);
    assert.match(told.body, /the token has expired/);
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
