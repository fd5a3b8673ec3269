/** A provider outside the pods, with a certificate of a private CA: its tokens call tools, its groups decide which. */
import assert from 'node:assert/strict';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from '../certificates.ts';
import { imageName } from '../images/build.ts';
import { RESOURCE, startProvider, type TestProvider } from '../rig/oidc-provider.ts';
import { call, post } from '../sidecar/wire/post.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { headerServerScript } from './header-server.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-oidc');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const POLICY = `version: 1
rules:
  - { name: admins, tools: [spare], allow: '"oidc:admins" in principal.groups' }`;

const pod = (name: string, annotations: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: NAMESPACE,
    annotations: Object.fromEntries(
      Object.entries({ inject: 'true', port: '3001', auth: 'oidc', ...annotations }).map(([key, value]) => [
        `kubectl-mcp.dev/${key}`,
        value,
      ]),
    ),
  },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'main',
        image: imageName('everything'),
        imagePullPolicy: 'Never',
        args: ['-e', headerServerScript()],
      },
    ],
  },
});

async function callOf(podName: string, tool: string, token: string) {
  const ip = await inNamespace('get', 'pod', podName, '-o', 'jsonpath={.status.podIP}');
  return post(`http://${ip}:7410/mcp`, call(tool), {
    'mcp-protocol-version': '2025-06-18',
    authorization: `Bearer ${token}`,
  });
}

describe('an OpenID provider with a private CA', { skip: noCluster, timeout: 120_000 }, () => {
  const trusted = getCACertificates('default');
  let provider: TestProvider;

  before(async () => {
    const node = await kubectl([
      'get',
      'nodes',
      '-o',
      'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}',
    ]);
    const issued = await (await createAuthority()).issue([node]);
    setDefaultCACertificates([...trusted, issued['ca.crt']]);
    provider = await startProvider({ host: node, tls: issued });
    await createNamespace(NAMESPACE);
    const common = {
      'oidc-issuer': provider.issuer,
      'oidc-audience': RESOURCE,
      'oidc-groups-claim': 'realm_access.roles',
      policy: 'rules',
    };
    const configMap = (name: string, data: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: NAMESPACE },
      data,
    });
    const items = [
      configMap('id-ca', { 'ca.crt': issued['ca.crt'] }),
      configMap('rules', { 'policy.yaml': POLICY }),
      pod('tools', { ...common, 'ca-configmap': 'id-ca' }),
      pod('distrustful', common),
    ];
    await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    });
    await inNamespace('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=90s');
  });
  after(async () => {
    setDefaultCACertificates(trusted);
    await provider?.stop();
    await removeNamespace(NAMESPACE);
  });

  test('its token calls a tool, a rule on its groups decides, and the audit line has both', async () => {
    provider.claims = { realm_access: { roles: ['staff'] } };
    const staff = await provider.token();
    await waitFor('an answer', async () => (await callOf('tools', 'headers', staff)).status === 200);
    const hidden = await callOf('tools', 'spare', staff);
    assert.match(hidden.body, /"code":-32602,"message":"Unknown tool: spare"/);
    provider.claims = { realm_access: { roles: ['staff', 'admins', 'system:masters'] } };
    const admin = await callOf('tools', 'spare', await provider.token());
    assert.match(admin.body, /"result"/);
    const lines = (await inNamespace('logs', 'tools', '-c', 'mcp-proxy'))
      .split('\n')
      .filter((line) => line.includes('"audit_event"') && line.includes('"tools/call"'))
      .map((line) => JSON.parse(line));
    const last = lines.at(-1);
    assert.deepEqual(
      [last.outcome, last.subjects.user, last.subjects.groups, last.target.name],
      ['success', 'oidc:agent', ['oidc:staff', 'oidc:admins', 'oidc:system:masters'], 'spare'],
    );
    assert.equal(last.metadata.extra.issuer, provider.issuer);
  });

  test('who has no token is told where to get one', async () => {
    const ip = await inNamespace('get', 'pod', 'tools', '-o', 'jsonpath={.status.podIP}');
    const metadata = `http://${ip}:7410/.well-known/oauth-protected-resource/mcp`;
    const { headers } = await post(`http://${ip}:7410/mcp`, call('headers'));
    assert.match(headers.get('www-authenticate')!, new RegExp(`resource_metadata="${metadata}"`));
    const document = (await (await fetch(metadata)).json()) as Record<string, unknown>;
    assert.deepEqual(document['authorization_servers'], [provider.issuer]);
  });

  test('where its CA is not known, tokens get 503, and doctor says what to do', async () => {
    assert.equal((await callOf('distrustful', 'headers', await provider.token())).status, 503);
    const { stdout } = await waitFor('the finding', async () => {
      const given = await kubectlMcp('doctor', '-n', NAMESPACE);
      return given.stdout.includes('MCP703') && given;
    });
    assert.match(stdout, /pod distrustful .*the OpenID provider gives no answer that is of use/);
    assert.match(stdout, /its certificate is of an authority that is not trusted here/);
    assert.match(stdout, /name it in kubectl-mcp\.dev\/ca-configmap/);
    assert.doesNotMatch(stdout, /pod tools .*the OpenID provider/);
  });
});
