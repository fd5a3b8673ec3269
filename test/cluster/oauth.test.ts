/** A person logs in to a server of the cluster with a client of OAuth, by the URL alone, and comes back for a scope more. */
import assert from 'node:assert/strict';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { createAuthority } from '../certificates.ts';
import { imageName } from '../images/build.ts';
import { startProvider, type TestProvider } from '../rig/oidc-provider.ts';
import { isUnauthorized, newUser, v2 } from '../sidecar/wire/oauth-client.ts';
import { waitFor } from '../sidecar/wire/wait-for.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-oauth');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);
const apply = (...items: object[]) =>
  kubectl(['-n', NAMESPACE, 'apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
const POLICY = `version: 1
tools:
  scopes: [{ tools: [get-sum], scopes: ['mcp:admin'], visible: true }]`;
const labels = { app: 'weather' };

describe('a person with a client of OAuth', { skip: noCluster, timeout: 120_000 }, () => {
  const trusted = getCACertificates('default');
  let provider: TestProvider;
  let url: string;

  before(async () => {
    const path = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
    const node = await kubectl(['get', 'nodes', '-o', `jsonpath=${path}`]);
    const issued = await (await createAuthority()).issue([node]);
    setDefaultCACertificates([...trusted, issued['ca.crt']]);
    provider = await startProvider({ host: node, tls: issued });
    await createNamespace(NAMESPACE);
    const service = {
      metadata: { name: 'weather' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 7410 }] },
    };
    await apply({ apiVersion: 'v1', kind: 'Service', ...service });
    url = `http://${await inNamespace('get', 'service', 'weather', '-o', 'jsonpath={.spec.clusterIP}')}/mcp`;
    const annotations = {
      inject: 'true',
      port: '3001',
      auth: 'oidc',
      'oidc-issuer': provider.issuer,
      'oidc-required-scopes': 'mcp:tools',
      'public-url': url,
      'ca-configmap': 'weather',
      policy: 'weather',
    };
    const prefixed = Object.entries(annotations).map(([key, value]) => [`kubectl-mcp.dev/${key}`, value]);
    const container = { name: 'main', image: imageName('everything'), imagePullPolicy: 'Never' };
    const data = { 'ca.crt': issued['ca.crt'], 'policy.yaml': POLICY };
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'weather' }, data },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'weather' },
        spec: {
          selector: { matchLabels: labels },
          template: {
            metadata: { labels, annotations: Object.fromEntries(prefixed) },
            spec: { terminationGracePeriodSeconds: 1, containers: [container] },
          },
        },
      },
    );
    await inNamespace('rollout', 'status', 'deployment/weather', '--timeout=90s');
  });
  after(async () => {
    setDefaultCACertificates(trusted);
    await provider?.stop();
    await removeNamespace(NAMESPACE);
  });

  test('logs in, calls, and comes back for a scope more', async () => {
    const user = newUser();
    const refused = await waitFor('the challenge', async () => {
      const dialled = v2(url, user);
      const error = await dialled.connected.then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      return error && isUnauthorized(error) && dialled;
    });
    assert.equal(user.sent.at(-1)!.searchParams.get('resource'), url);
    await refused.client.finishAuth(await user.signIn(provider));
    const { connected, client } = v2(url, user);
    await connected;
    const names = (await client.listTools()).tools.map((each) => each.name);
    assert.ok(names.includes('echo') && names.includes('get-sum'), names.join());
    await client.callTool({ name: 'echo', arguments: { message: 'hi' } });
    const sum = { name: 'get-sum', arguments: { a: 1, b: 2 } };
    await assert.rejects(client.callTool(sum), isUnauthorized);
    await client.finishAuth(await user.signIn(provider));
    await client.callTool(sum);
    await client.close();
    const log = await inNamespace('logs', 'deployment/weather', '-c', 'mcp-proxy');
    assert.match(log, /"user":"oidc:alice"/);
    assert.match(log, /policy\/tools\.scopes/);
  });

  test('is whom list and policy explain speak of', async () => {
    const [explained, listed] = await Promise.all([
      kubectlMcp(
        ...'policy explain call get-sum --against deploy/weather --as oidc:alice --scope mcp:tools'.split(
          ' ',
        ),
        '-n',
        NAMESPACE,
      ),
      kubectlMcp('list', '-n', NAMESPACE),
    ]);
    assert.equal(explained.stdout, 'denied by policy/tools.scopes\n');
    assert.match(explained.stderr, /oidc:alice sees it, and is told to come back with the scopes mcp:admin/);
    assert.match(listed.stdout, /deployment\/weather .* oidc .* <=13 /);
  });
});
