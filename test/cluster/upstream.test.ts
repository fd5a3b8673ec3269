/** Servers over TLS, in the pod and elsewhere. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from '../certificates.ts';
import { imageName } from '../images/build.ts';
import { call, post } from '../sidecar/wire/post.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { headerServerScript } from './header-server.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-upstream');
const NAME = `tools.${NAMESPACE}.svc`;
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);

const SERVER = headerServerScript()
  .replace(
    "require('node:http').createServer",
    "(handler) => require('node:https').createServer({ cert: read('crt'), key: read('key') }, handler)",
  )
  .replace(/3001\)$/, '8443)');
const SERVE = `const read = (part) => require('node:fs').readFileSync('/tls/tls.' + part); ${SERVER}`;
const WAIT = 'process.on("SIGTERM", () => process.exit()); setInterval(() => {}, 1e6)';

function pod(name: string, script: string, annotations: Record<string, string>): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { app: name },
      annotations: Object.fromEntries(
        Object.entries({ inject: 'true', auth: 'none', ...annotations }).map(([key, value]) => [
          `kubectl-mcp.dev/${key}`,
          value,
        ]),
      ),
    },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'main',
          image: imageName('everything'),
          imagePullPolicy: 'Never',
          args: ['-e', script],
          volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
        },
      ],
      volumes: [{ name: 'tls', secret: { secretName: 'tools-tls' } }],
    },
  };
}

describe('servers over TLS on a cluster', { skip: noCluster, timeout: 120_000 }, () => {
  before(async () => {
    const pair = await (await createAuthority()).issue([NAME]);
    await createNamespace(NAMESPACE);
    const objects = [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'tools-tls', namespace: NAMESPACE },
        type: 'kubernetes.io/tls',
        stringData: pair,
      },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'tools-ca', namespace: NAMESPACE },
        data: { 'ca.crt': pair['ca.crt'] },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'tools', namespace: NAMESPACE },
        spec: { selector: { app: 'inside' }, ports: [{ port: 443, targetPort: 8443 }] },
      },
      pod('inside', SERVE, {
        upstream: 'https://localhost:8443/mcp',
        'upstream-ca-configmap': 'tools-ca',
        'upstream-tls-server-name': NAME,
      }),
      pod('elsewhere', WAIT, { upstream: `https://${NAME}/mcp`, 'upstream-ca-secret': 'tools-tls' }),
      pod('misfit', SERVE, { upstream: 'https://localhost:8443/mcp', 'upstream-ca-secret': 'tools-tls' }),
    ];
    await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    });
    await inNamespace('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=90s');
  });
  after(() => removeNamespace(NAMESPACE));

  for (const [name, host] of [
    ['inside', 'localhost:8443'],
    ['elsewhere', NAME],
  ] as const)
    test(`the one ${name} is called, and sees the host that it is known by`, async () => {
      const ip = await inNamespace('get', 'pod', name, '-o', 'jsonpath={.status.podIP}');
      const url = `http://${ip}:7410/mcp`;
      const body = await waitFor('an answer', async () => {
        const answer = await post(url, call('headers'), { 'mcp-protocol-version': '2025-06-18' });
        return answer.status === 200 && answer.body;
      });
      const [{ text }] = JSON.parse(body).result.content;
      assert.equal(JSON.parse(text).host, host);
    });

  test('the one whose certificate is for another name is told by doctor, with what to do', async () => {
    const { stdout } = await waitFor('the finding', async () => {
      const given = await kubectlMcp('doctor', '-n', NAMESPACE);
      return given.stdout.includes('MCP602') && given;
    });
    assert.match(stdout, new RegExp(`misfit.*https://localhost:8443/mcp cannot be reached`));
    assert.match(stdout, new RegExp(`its certificate is for another name \\(DNS:${NAME}\\)`));
    assert.match(stdout, /set kubectl-mcp\.dev\/upstream-tls-server-name to a name of the certificate/);
    assert.doesNotMatch(stdout, /(inside|elsewhere): the server at/);
  });
});
