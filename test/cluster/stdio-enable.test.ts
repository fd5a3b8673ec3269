/** A server of stdio from a private registry to its tools: the kubelet and `enable` read it with the same Secret. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { STDIO_ENTRIES } from '../images/recipes.ts';
import { type Registry, startRegistry, USER } from '../plugin/registry/real-registry.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('test-stdio-enable');
const ARCHIVE = join(import.meta.dirname, '../../dist/test-images/everything.tar');
const inNamespace = (...args: string[]) => kubectl(['-n', NAMESPACE, ...args]);

/** It says the arguments, and leaves the program to the image: its pods are refused. */
const manifest = (image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: everything } }
  template:
    metadata:
      labels: { app: everything }
      annotations: { kubectl-mcp.dev/inject: "true", kubectl-mcp.dev/transport: stdio }
    spec:
      imagePullSecrets: [{ name: registry }]
      securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: everything
          image: ${image}
          args: [/app/${STDIO_ENTRIES.everything}, "$(TRANSPORT)"]
          env: [{ name: TRANSPORT, value: stdio }]
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
            readOnlyRootFilesystem: true
`;

describe('a server of stdio in a private registry', { skip: noCluster, timeout: 300_000 }, () => {
  let registry: Registry;
  let image: string;
  let digest: string;
  before(async () => {
    await createNamespace(NAMESPACE, { 'pod-security.kubernetes.io/enforce': 'restricted' });
    registry = await startRegistry({ isPrivate: true });
    digest = await registry.pushArchive('team/everything', '1', ARCHIVE);
    image = `${registry.host}/team/everything:1`;
    const auths = { [registry.host]: { ...USER } };
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { name: 'registry', namespace: NAMESPACE },
      stringData: { '.dockerconfigjson': JSON.stringify({ auths }) },
    };
    await kubectl(['apply', '-f', '-'], { input: JSON.stringify(secret) });
    await kubectl(['apply', '-f', '-'], { input: manifest(image) });
  });
  after(async () => {
    await removeNamespace(NAMESPACE);
    await registry.stop();
  });

  test('is refused, enabled, and answers with its tools', async () => {
    await inNamespace('wait', '--for=condition=ReplicaFailure', 'deployment/everything', '--timeout=60s');
    const found = await kubectlMcp('doctor', 'deployment/everything', '-n', NAMESPACE, '-o', 'short');
    assert.match(
      found.stdout,
      /MCP308 .*\n.*command is missing.*\n.*enable deployment\/everything .* --transport stdio/,
    );
    const flags = ['-n', NAMESPACE, '--transport=stdio', '--plain-http'];
    const enabled = await kubectlMcp('enable', 'everything', ...flags);
    assert.equal(enabled.code, 0, enabled.stderr);
    assert.ok(enabled.stdout.includes(`kubectl-mcp.dev/command-image: "${image}@${digest}"`), enabled.stdout);
    assert.match(enabled.stderr, /no Service leads to port 7410 .*: kubectl expose deployment\/everything/);
    const tools = await kubectlMcp('tools', 'everything', '-n', NAMESPACE, '-o', 'name');
    assert.match(tools.stdout, /echo/, tools.stderr);
    const called = await kubectlMcp('call', 'everything', 'echo', '--arg=message=hello', '-n', NAMESPACE);
    assert.match(called.stdout, /hello/, called.stderr);
  });

  test('is enabled again without a change', async () => {
    const again = await kubectlMcp('enable', 'everything', '-n', NAMESPACE);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /deployment\.apps\/everything unchanged/);
  });

  test('is started by the supervisor, behind what its image says', async () => {
    const pods = JSON.parse(await inNamespace('get', 'pods', '-l', 'app=everything', '-o', 'json'));
    const [pod] = pods.items.filter(
      ({ metadata }: { metadata: object }) => !('deletionTimestamp' in metadata),
    );
    assert.deepEqual(pod.spec.containers[0].command, ['/kubectl-mcp-bin/supervise', '--', '/usr/bin/node']);
    assert.equal(pod.status.containerStatuses[0].restartCount, 0);
  });

  test('is disabled when it runs no more, and is as it was', async () => {
    const refused = await kubectlMcp('disable', 'everything', '-n', NAMESPACE);
    assert.match(refused.stderr, /speaks stdio: .*\nSet stdin: true .*--replicas 0/);
    await inNamespace('scale', 'deployment/everything', '--replicas=0');
    const disabled = await kubectlMcp('disable', 'everything', '-n', NAMESPACE);
    assert.equal(disabled.code, 0, disabled.stderr);
    const { spec } = JSON.parse(await inNamespace('get', 'deployment', 'everything', '-o', 'json'));
    assert.equal(spec.template.metadata.annotations, undefined);
    assert.equal(spec.template.spec.containers[0].command, undefined);
  });
});
