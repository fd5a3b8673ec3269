/** A provider outside the pods: its tokens call the proxy, and the server gets others that it gave for them. */
import assert from 'node:assert/strict';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { createAuthority } from '../certificates.ts';
import { imageName } from '../images/build.ts';
import { SECRET } from '../rig/oidc-configuration.ts';
import { RESOURCE } from '../rig/oidc-provider.ts';
import { startExchangingProvider, type ExchangingProvider } from '../rig/token-exchange.ts';
import { call, post } from '../sidecar/wire/post.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { headerServerScript } from './header-server.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-upstream-token');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const NODE = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';

const pod = (name: string, annotations: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: NAMESPACE,
    annotations: Object.fromEntries(
      Object.entries({ inject: 'true', port: '3001', ...annotations }).map(([key, value]) => [
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

describe('a server that is given tokens', { skip: noCluster, timeout: 120_000 }, () => {
  const trusted = getCACertificates('default');
  let provider: ExchangingProvider;

  before(async () => {
    const node = await kubectl(['get', 'nodes', '-o', `jsonpath=${NODE}`]);
    const issued = await (await createAuthority()).issue([node]);
    setDefaultCACertificates([...trusted, issued['ca.crt']]);
    provider = await startExchangingProvider({ host: node, tls: issued });
    await createNamespace(NAMESPACE);
    const common = {
      auth: 'oidc',
      'oidc-issuer': provider.issuer,
      'oidc-audience': RESOURCE,
      'ca-configmap': 'id-ca',
      'upstream-token': 'exchange',
      'upstream-token-url': `${provider.issuer}/token`,
      'upstream-token-secret': 'client',
      'upstream-token-audience': 'https://tools.example.com',
    };
    const metadata = (name: string) => ({ name, namespace: NAMESPACE });
    const secret = (name: string, client_secret: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata(name),
      stringData: { client_id: 'exchanger', client_secret },
    });
    const items = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: metadata('id-ca'),
        data: { 'ca.crt': issued['ca.crt'] },
      },
      secret('client', SECRET),
      secret('other', 'wrong'),
      pod('tools', common),
      pod('unknown', { ...common, 'upstream-token-secret': 'other' }),
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

  async function callOf(podName: string, token: string) {
    const ip = await inNamespace('get', 'pod', podName, '-o', 'jsonpath={.status.podIP}');
    return post(`http://${ip}:7410/mcp`, call('headers'), {
      'mcp-protocol-version': '2025-06-18',
      authorization: `Bearer ${token}`,
    });
  }

  test('gets one of the caller’s own for its audience, and never the caller’s', async () => {
    const token = await provider.token();
    const { body } = await waitFor('an answer', async () => {
      const answer = await callOf('tools', token);
      return answer.status === 200 && answer;
    });
    const { authorization } = JSON.parse(JSON.parse(body).result.content[0].text);
    assert.notEqual(authorization, `Bearer ${token}`);
    const { sub, aud, client_id } = decodeJwt(authorization.slice('Bearer '.length));
    assert.deepEqual([sub, aud, client_id], ['agent', 'https://tools.example.com', 'exchanger']);
  });

  test('is not asked where the provider does not know the client, and doctor says so', async () => {
    const token = await provider.token();
    await waitFor('the answer', async () => (await callOf('unknown', token)).status === 502);
    const { stdout } = await waitFor('the finding', async () => {
      const given = await kubectlMcp('doctor', '-n', NAMESPACE);
      return given.stdout.includes('no token for the server') && given;
    });
    assert.match(stdout, /pod unknown .*there is no credential for the server/);
    assert.match(stdout, /invalid_client/);
    assert.match(
      stdout,
      /mend client_id and client_secret in the Secret of kubectl-mcp\.dev\/upstream-token-secret/,
    );
  });
});
