/** Overrides of a policy in a ConfigMap, as a user sees them: what callers are shown, and what a faulty one is told. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { imageName } from '../images/build.ts';
import { kubectl, noCluster } from './kubectl.ts';
import { createNamespace, namespaceName, removeNamespace } from './namespace.ts';
import { kubectlMcp } from './plugin.ts';

const NAMESPACE = namespaceName('overrides');
const configMap = (policy: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'policy', namespace: NAMESPACE, labels: { 'kubectl-mcp.dev/policy': 'true' } },
    data: { 'policy.yaml': policy },
  });
const POLICY = `version: 1
tools:
  allow: [echo, get-sum]
  overrides:
    - {tool: echo, name: say, description: Says it again}
    - {tool: get-sum, name: add_two, arguments: {fixed: {b: 2}}}`;
const WORKLOAD = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: everything, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: everything } }
  template:
    metadata:
      labels: { app: everything }
      annotations: { kubectl-mcp.dev/inject: "true", kubectl-mcp.dev/auth: none, kubectl-mcp.dev/policy: policy }
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: everything
          image: ${imageName('everything')}
          imagePullPolicy: Never
          ports: [{ containerPort: 3001 }]
`;

const mcp = (...args: string[]) => kubectlMcp(...args, '-n', NAMESPACE);

describe('overrides on the cluster', { skip: noCluster, timeout: 120_000 }, () => {
  before(async () => {
    await createNamespace(NAMESPACE);
    await kubectl(['apply', '-f', '-'], { input: configMap(POLICY) });
    await kubectl(['apply', '-f', '-'], { input: WORKLOAD });
    await kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/everything', '--timeout=90s']);
  });
  after(() => removeNamespace(NAMESPACE));

  test('are what callers see and call', async () => {
    const { stdout } = await mcp('tools', 'deploy/everything', '-o', 'wide');
    assert.match(stdout, /^NAME +OWN NAME .*\nsay +echo .*Says it again\nadd_two +get-sum .* a +\S/);
    const called = await mcp('call', 'deploy/everything', 'add_two', '--arg', 'a=3');
    assert.deepEqual([called.code, called.stdout], [0, 'The sum of 3 and 2 is 5.\n']);
    for (const [args, why] of [
      [['add_two', '--json', '{"a":3,"b":4}'], /Unknown argument: b/],
      [['get-sum', '--arg', 'a=3'], /callers know tool "get-sum" of deployment\/everything as "add_two"/],
    ] as [string[], RegExp][]) {
      const refused = await mcp('call', 'deploy/everything', ...args);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, why);
    }
    const tested = await mcp('policy', 'test', '--against', 'deploy/everything');
    assert.match(tested.stdout, /^TOOL +SHOWN AS +ALLOWED +RULE\necho +say +yes +policy\/tools.allow\n/);
  });

  test('that contradict each other are refused when they are applied', async () => {
    await assert.rejects(
      kubectl(['apply', '-f', '-'], { input: configMap(POLICY.replace('add_two', 'say')) }),
      /tools.overrides.1.name: "say": is the name of another override/,
    );
  });
});
