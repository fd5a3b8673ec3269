/** `verify: tokenreview` and `trusted-actors`: who is gone is refused, and an agent's user is whom the record names. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet } from 'jose';
import { createKubernetesTokens } from '../../sidecar/auth/kubernetes-tokens.ts';
import { audienceOf } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { initialize, INITIALIZE } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-deleted-tokens');
const AUDIENCE = audienceOf('everything', NAMESPACE);
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const mint = async (account: string, ...flags: string[]) =>
  (await inNamespace('create', 'token', account, `--audience=${AUDIENCE}`, ...flags)).trim();
const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: everything } }
  template:
    metadata: { labels: { app: everything } }
    spec:
      serviceAccountName: server
      automountServiceAccountToken: false
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ containerPort: 3001 }]
---
apiVersion: v1
kind: Service
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  selector: { app: everything }
  ports: [{ port: 80, targetPort: 3001 }]
---
apiVersion: v1
kind: Pod
metadata: { name: caller, namespace: ${NAMESPACE} }
spec:
  terminationGracePeriodSeconds: 0
  serviceAccountName: pod
  containers: [{ name: caller, image: ${PAUSE_IMAGE}, command: [/bin/busybox, sleep, "600"] }]
`;

const { publicKey, privateKey } = await generateKeyPair('ES256');
const agent = `system:serviceaccount:${NAMESPACE}:stays`;

async function assertion(): Promise<string> {
  const bh = createHash('sha256').update(INITIALIZE).digest('base64url');
  return new SignJWT({ htm: 'POST', bh })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(agent)
    .setSubject('alice')
    .setAudience(AUDIENCE)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('30s')
    .sign(privateKey);
}

const callAs = async (flag: string) =>
  (await kubectlMcp('call', 'everything', 'echo', '--arg=message=hi', flag, '-n', NAMESPACE)).code;

describe('tokens that the API server reviews', { skip: noCluster, timeout: 240_000 }, () => {
  let url = '';
  let binding: string | undefined;

  before(async () => {
    await createNamespace(NAMESPACE);
    for (const account of ['server', 'pod', 'account', 'stays'])
      await inNamespace('create', 'serviceaccount', account);
    const keys = JSON.stringify({ keys: [await exportJWK(publicKey)] });
    await inNamespace('create', 'configmap', 'actors', `--from-literal=${NAMESPACE}.stays=${keys}`);
    await kubectl(['apply', '-f', '-'], { input: manifest });
    await inNamespace('rollout', 'status', 'deployment/everything', '--timeout=120s');
  });
  after(async () => {
    if (binding) await kubectl(['delete', 'clusterrolebinding', binding, '--ignore-not-found']);
    await removeNamespace(NAMESPACE);
  });

  test('need a permission: enable warns, callers wait, doctor has the command', async () => {
    const flags = [
      '--port=3001',
      '--auth=kubernetes,token',
      '--verify=tokenreview',
      '--trusted-actors=actors',
    ];
    const { code, stderr } = await kubectlMcp('enable', 'deploy/everything', ...flags, '-n', NAMESPACE);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /service account server may not have tokens reviewed, and without that every call gets 503/,
    );
    url = `http://${await inNamespace('get', 'service', 'everything', '-o', 'jsonpath={.spec.clusterIP}')}/mcp`;
    assert.equal((await initialize(url, await mint('stays'))).status, 503);
    assert.equal(await callAs('--token-from-secret=default'), 0, 'callers of the other kind are served');
    const doctor = await kubectlMcp('doctor', '-n', NAMESPACE);
    assert.match(
      doctor.stdout,
      /× MCP706 pod everything-\S+ in namespace \S+: .*may not have tokens reviewed/,
    );
    const [command = ''] = /kubectl create clusterrolebinding .*/.exec(doctor.stdout) ?? [];
    assert.ok(stderr.includes(command));
    const [, ...args] = command.trim().split(' ');
    binding = args[2];
    await kubectl(args);
    await until('the permission', async () => (await initialize(url, await mint('stays'))).status === 200);
    assert.equal(await callAs('--as-serviceaccount=stays'), 0);
  });

  test('are refused when their pod or their account is deleted, others not', async () => {
    await inNamespace('wait', 'pod/caller', '--for=condition=Ready', '--timeout=60s');
    const ofPod = await mint('pod', '--bound-object-kind=Pod', '--bound-object-name=caller');
    const ofAccount = await mint('account');
    const stays = await mint('stays');
    for (const token of [ofPod, ofAccount, stays]) assert.equal((await initialize(url, token)).status, 200);
    await inNamespace('delete', 'pod', 'caller', '--force', '--grace-period=0');
    await inNamespace('delete', 'serviceaccount', 'account');
    const deletedAtMs = Date.now();
    for (const token of [ofPod, ofAccount])
      await until('the refusal', async () => (await initialize(url, token)).status === 401);
    // Ten seconds, and ten more that the API server itself remembers good tokens for.
    assert.ok(Date.now() - deletedAtMs < 25_000);
    assert.match((await initialize(url, ofPod)).body, /does not take the token/);
    assert.equal((await initialize(url, stays)).status, 200);
  });

  test('have the groups that are found without asking', async () => {
    const token = await mint('stays');
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [AUDIENCE] },
    };
    const { status } = JSON.parse(
      await kubectl(['create', '-o', 'json', '-f', '-'], { input: JSON.stringify(review) }),
    );
    const [discovery, jwks] = await Promise.all(
      ['/.well-known/openid-configuration', '/openid/v1/jwks'].map(async (path) =>
        JSON.parse(await kubectl(['get', '--raw', path])),
      ),
    );
    const keys = { issuer: discovery.issuer, find: createLocalJWKSet(jwks as JSONWebKeySet) };
    const offline = createKubernetesTokens(
      { audience: AUDIENCE, allowPrincipals: ['*/*'] },
      { current: () => keys, refresh: async () => keys, problem: () => undefined, close: () => undefined },
    );
    const caller = await offline.authenticate({ authorization: `Bearer ${token}` }, {});
    assert.ok(!('reason' in caller));
    assert.deepEqual(
      [caller.name, [...caller.groups].toSorted()],
      [status.user.username, status.user.groups.toSorted()],
    );
  });

  test('of an agent, with what it signs of its user', async () => {
    const ask = async (signed: string) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${await mint('stays')}`,
          'mcp-user-assertion': signed,
        },
        body: INITIALIZE,
      }).then((response) => response.status);
    const signed = await assertion();
    assert.deepEqual([await ask(signed), await ask(signed)], [200, 401]);
    const { items } = JSON.parse(await inNamespace('get', 'pods', '-l', 'app=everything', '-o', 'json'));
    // The one of before may still be ending.
    const pod = (items as V1Pod[]).find(({ metadata }) => !metadata!.deletionTimestamp)!;
    const log = await inNamespace('logs', pod.metadata!.name!, '-c', 'mcp-proxy');
    assert.ok(log.includes(`"subjects":{"user":"${NAMESPACE}/stays:alice"`));
    assert.ok(log.includes(`"delegation":{"chain":["${agent}"]}`));
    assert.ok(!log.includes(signed.split('.')[2]!));
  });
});

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 40_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < endMs, `${what} did not come`);
    await sleep(500);
  }
}
