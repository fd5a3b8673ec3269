/** Who is let in, and who is not, with real tokens of a real cluster through the Service of an enabled workload. */
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { MOUNT } from '../../sidecar/mounts.ts';
import { audienceOf, VOLUME } from '../../webhook/names.ts';
import { imageName } from '../images/build.ts';
import { keyOf } from '../rig/cluster/certificates.ts';
import { layoutOf, PAUSE_IMAGE } from '../rig/cluster/layout.ts';
import { initialize, type Answer } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-tokens');
const OTHER = namespaceName('test-tokens-other');
const AUDIENCE = audienceOf('everything', NAMESPACE);
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const mint = async (namespace: string, ...flags: string[]) =>
  (await kubectl(['-n', namespace, 'create', 'token', 'default', ...flags])).trim();

/** The server's pods get no token of their own; the caller has two, as any client in the cluster would. */
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: everything } }
  template:
    metadata: { labels: { app: everything } }
    spec:
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
  containers:
    - name: caller
      image: ${PAUSE_IMAGE}
      command: [/bin/busybox, sleep, "600"]
      volumeMounts: [{ name: token, mountPath: /token }]
  volumes:
    - name: token
      projected: { sources: [{ serviceAccountToken: { path: mcp, audience: "${AUDIENCE}" } }] }
`;

/** Not the one of before, which may still be ending. */
async function thePod(): Promise<V1Pod> {
  const list = JSON.parse(await inNamespace('get', 'pods', '-l', 'app=everything', '-o', 'json'));
  return (list.items as V1Pod[]).find((each) => !each.metadata!.deletionTimestamp)!;
}

const fileOfCaller = async (path: string) =>
  (await inNamespace('exec', 'caller', '--', '/bin/busybox', 'cat', path)).trim();

/** A token like the real one in all but what is given. */
const forge = (
  real: string,
  claims: JWTPayload,
  key: KeyObject,
  header: { alg?: string; kid?: string } = {},
) =>
  new SignJWT({ ...decodeJwt(real), ...claims })
    .setProtectedHeader({ ...(decodeProtectedHeader(real) as { alg: string }), ...header })
    .sign(key);

async function tokens(): Promise<[title: string, token: string | undefined, status: number][]> {
  const real = await mint(NAMESPACE, `--audience=${AUDIENCE}`);
  const clusterKey = createPrivateKey(readFileSync(keyOf(layoutOf(process.env), 'service-accounts')));
  const publicPem = createPublicKey(clusterKey).export({ type: 'spki', format: 'pem' });
  const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const seconds = Math.floor(Date.now() / 1000);
  const [head, body, signature] = real.split('.');
  const altered = Buffer.from(JSON.stringify({ ...decodeJwt(real), sub: 'system:serviceaccount:a:b' }));
  return [
    ['this audience, from TokenRequest', real, 200],
    ['this audience, projected into a pod', await fileOfCaller('/token/mcp'), 200],
    ['signed here with the key of the cluster', await forge(real, {}, clusterKey), 200],
    ['none', undefined, 401],
    [
      'audience of another workload',
      await mint(NAMESPACE, `--audience=${audienceOf('other', NAMESPACE)}`),
      401,
    ],
    ['audience of the API server', await mint(NAMESPACE), 401],
    ["a pod's default token", await fileOfCaller('/var/run/secrets/kubernetes.io/serviceaccount/token'), 401],
    ['this audience, service account of another namespace', await mint(OTHER, `--audience=${AUDIENCE}`), 403],
    [
      'expired',
      await forge(real, { iat: seconds - 7200, nbf: seconds - 7200, exp: seconds - 3600 }, clusterKey),
      401,
    ],
    ['not valid yet', await forge(real, { nbf: seconds + 3600, exp: seconds + 7200 }, clusterKey), 401],
    ['unsigned, alg none', new UnsecuredJWT(decodeJwt(real)).encode(), 401],
    ['signature left out', `${head}.${body}.`, 401],
    ['claims altered', `${head}.${altered.toString('base64url')}.${signature}`, 401],
    [
      'another issuer, its own key',
      await forge(real, { iss: 'https://issuer.example' }, otherKey, { kid: 'own' }),
      401,
    ],
    [
      'another issuer, the key of the cluster',
      await forge(real, { iss: 'https://issuer.example' }, clusterKey),
      401,
    ],
    ['issuer and key id of the cluster, another key', await forge(real, {}, otherKey), 401],
    [
      'HS256 with the public key as the secret',
      await new SignJWT(decodeJwt(real))
        .setProtectedHeader({ ...decodeProtectedHeader(real), alg: 'HS256' })
        .sign(Buffer.from(publicPem)),
      401,
    ],
    ['no JWT', 'abc', 401],
  ];
}

describe('tokens on a cluster', { skip: noCluster, timeout: 300_000 }, () => {
  let url = '';

  before(async () => {
    await Promise.all([NAMESPACE, OTHER].map((each) => createNamespace(each)));
    await kubectl(['apply', '-f', '-'], { input: MANIFEST });
    await inNamespace('rollout', 'status', 'deployment/everything', '--timeout=120s');
    const { code, stderr } = await kubectlMcp('enable', 'deploy/everything', '--port=3001', '-n', NAMESPACE);
    assert.equal(code, 0, stderr);
    url = `http://${await inNamespace('get', 'service', 'everything', '-o', 'jsonpath={.spec.clusterIP}')}/mcp`;
  });
  after(() => Promise.all([NAMESPACE, OTHER].map(removeNamespace)));

  test('the address is closed as soon as enable returns', async () => {
    assert.equal((await initialize(url)).status, 401);
  });

  test('a token is good for its workload, its namespace and its time', async (t) => {
    const rows: [title: string, expected: number, answer: Answer][] = [];
    const sent = await tokens();
    for (const [title, token, expected] of sent) rows.push([title, expected, await initialize(url, token)]);
    for (const [title, , { status, authenticate, body }] of rows)
      t.diagnostic(`${status}  ${title.padEnd(50)} ${status === 200 ? '' : (authenticate ?? body)}`);
    assert.deepEqual(
      rows.map(([title, , { status }]) => [title, status]),
      rows.map(([title, expected]) => [title, expected]),
    );
    const log = await inNamespace('logs', (await thePod()).metadata!.name!, '-c', 'mcp-proxy');
    assert.match(log, /"outcome":"denied"/);
    for (const [title, token] of sent)
      assert.ok(!token?.includes('.') || !log.includes(token.split('.').at(-1) || token), `logged: ${title}`);
  });

  test("the server's container has no token: neither its own nor the proxy's", async () => {
    const { metadata, spec } = await thePod();
    assert.equal(spec!.containers[0]!.volumeMounts, undefined);
    assert.ok(spec!.initContainers![0]!.volumeMounts!.some(({ name }) => name === VOLUME.kubernetes));
    for (const path of [MOUNT.kubernetes, '/var/run/secrets/kubernetes.io']) {
      const look = `require('fs').readdirSync(${JSON.stringify(path)})`;
      const node = ['--', '/usr/bin/node', '-e', look];
      await assert.rejects(inNamespace('exec', metadata!.name!, '-c', 'everything', ...node), /ENOENT/);
    }
  });
});
