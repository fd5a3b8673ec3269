/** `auth: mtls` on the cluster: a certificate of an authority that is renewed, through `kubectl mcp` and at the pod. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { createAuthority } from '../certificates.ts';
import {
  type ClientAuthority,
  type ClientCertificate,
  createClientAuthority,
} from '../client-certificates.ts';
import { imageName } from '../images/build.ts';
import { INITIALIZE } from './initialize.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-client-certificates');
const inNamespace = (args: string[], input = '') => kubectl(['-n', NAMESPACE, ...args], { input });

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: everything } }
  template:
    metadata:
      labels: { app: everything }
      annotations:
        kubectl-mcp.dev/inject: "true"
        kubectl-mcp.dev/auth: mtls
        kubectl-mcp.dev/mtls-ca-secret: client-ca
        kubectl-mcp.dev/mtls-allow: spiffe://example.test/ns/agents/*
        kubectl-mcp.dev/tls-secret: serving
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ containerPort: 3001 }]
`;

const secret = (name: string, type: string, stringData: Record<string, string>) =>
  inNamespace(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData }),
  );
const trust = (ca: string) => secret('client-ca', 'Opaque', { 'ca.crt': ca, 'ca.key': 'stays where it is' });
const planner = { names: [{ type: 'url', value: 'spiffe://example.test/ns/agents/sa/planner' }] } as const;

async function thePod(): Promise<V1Pod> {
  return JSON.parse(await inNamespace(['get', 'pods', '-o', 'json'])).items[0];
}

describe('client certificates', { skip: noCluster, timeout: 180_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-certificates-'));
  let authority: ClientAuthority;
  let pod: V1Pod;

  function statusOf(shown?: ClientCertificate): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: pod.status!.podIP!,
          port: 7410,
          path: '/mcp',
          method: 'POST',
          agent: false,
          rejectUnauthorized: false,
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          ...shown,
        },
        (response) => resolve(response.resume().statusCode),
      );
      sent.on('error', reject).end(INITIALIZE);
    });
  }

  async function call(shown: ClientCertificate, ...flags: string[]) {
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    writeFileSync(cert, shown.cert);
    writeFileSync(key, shown.key);
    const certificate = ['--mcp-client-certificate', cert, '--mcp-client-key', key];
    return kubectlMcp(
      'call',
      'everything',
      'echo',
      '--arg',
      'message=hi',
      '-n',
      NAMESPACE,
      ...certificate,
      ...flags,
    );
  }

  before(async () => {
    authority = await createClientAuthority('CN=clients');
    const serving = await (await createAuthority()).issue([`everything.${NAMESPACE}.svc`]);
    await createNamespace(NAMESPACE);
    await secret('serving', 'kubernetes.io/tls', serving);
    await trust(authority.ca);
    await inNamespace(['apply', '-f', '-'], DEPLOYMENT);
    await inNamespace(['rollout', 'status', 'deployment/everything', '--timeout=120s']);
    pod = await thePod();
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await removeNamespace(NAMESPACE);
  });

  test('kubectl mcp calls with one, and says what is wrong with another', async () => {
    const good = await call(await authority.issue(planner));
    assert.equal(good.stdout, 'Echo: hi\n', good.stderr);
    const other = await call(await authority.issue({ subject: 'CN=other' }));
    assert.match(
      other.stderr,
      /does not let the certificate of \S+cert\.pem call \(403\).*"other" is not among/,
    );
    const none = await kubectlMcp('call', 'everything', 'echo', '-n', NAMESPACE);
    assert.match(none.stderr, /has auth mtls: its callers show a client certificate/);
  });

  test('the pod has the authority, and not its key', async () => {
    const volume = pod.spec!.volumes!.find(({ name }) => name === 'kubectl-mcp-client-authority');
    assert.deepEqual(volume?.secret?.items, [{ key: 'ca.crt', path: 'ca.crt' }]);
  });

  test('an authority that is replaced is in force without a restart', async () => {
    const next = await createClientAuthority('CN=next');
    const [old, fresh] = [await authority.issue(planner), await next.issue(planner)];
    assert.deepEqual([await statusOf(old), await statusOf(fresh), await statusOf()], [200, 401, 401]);
    await trust(next.ca);
    await delay(1_000);
    await inNamespace([
      'annotate',
      'pod',
      pod.metadata!.name!,
      `example.com/look-again=${Date.now()}`,
      '--overwrite',
    ]);
    const untilMs = performance.now() + 100_000;
    while ((await statusOf(fresh)) !== 200) {
      assert.ok(performance.now() < untilMs, 'the kubelet did not bring it');
      await delay(200);
    }
    assert.equal(await statusOf(old), 401);
  });
});
