/** What must hold of manifests/install.yaml, whatever else changes in it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type {
  V1ClusterRole,
  V1Deployment,
  V1MutatingWebhookConfiguration,
  V1PodDisruptionBudget,
  V1ResourceQuota,
  V1Role,
  V1Secret,
  V1Service,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import {
  INSTALL_NAMESPACE,
  POLICIES_ENTRY,
  POLICY_LABEL,
  PREFIX,
  WEBHOOK_CONFIGURATION,
  WEBHOOK_ENTRY,
  WEBHOOK_NAME,
  WORKLOADS_ENTRY,
} from '../../webhook/names.ts';

type KubeObject = { kind: string; metadata: { name: string; namespace?: string } };
const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const text = read('../../manifests/install.yaml');
const objects = parseAllDocuments(text).map((each) => each.toJS() as KubeObject);
const kind = <T>(name: string): T => {
  const found = objects.filter((each) => each.kind === name);
  assert.equal(found.length, 1, name);
  return found[0] as T;
};

describe('the webhook configuration', () => {
  const configuration = kind<V1MutatingWebhookConfiguration>('MutatingWebhookConfiguration');
  const [entry, ...more] = configuration.webhooks ?? [];
  assert.ok(entry);

  test('is the last object: nothing is refused before the webhook is there', () => {
    assert.equal(objects.at(-1), configuration);
    assert.equal(configuration.metadata?.name, WEBHOOK_CONFIGURATION);
    assert.deepEqual(more, []);
    assert.equal(entry.name, WEBHOOK_ENTRY);
  });
  test('fails closed, and is asked for annotated pods alone', () => {
    assert.equal(entry.failurePolicy, 'Fail');
    assert.deepEqual(
      entry.matchConditions?.map((each) => each.expression),
      [
        `has(object.metadata.annotations) && object.metadata.annotations.exists(key, key.startsWith('${PREFIX}'))`,
      ],
    );
    assert.deepEqual(entry.rules, [
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['pods'],
        operations: ['CREATE'],
        scope: 'Namespaced',
      },
    ]);
  });
  test('leaves out its own namespace and kube-system, or a restart of both could never succeed', () => {
    const [expression] = entry.namespaceSelector?.matchExpressions ?? [];
    assert.equal(expression?.operator, 'NotIn');
    assert.deepEqual(expression?.values, ['kube-system', INSTALL_NAMESPACE]);
  });
  test('says what it does', () => {
    assert.equal(entry.sideEffects, 'NoneOnDryRun');
    assert.equal(entry.reinvocationPolicy, 'IfNeeded');
    assert.ok((entry.timeoutSeconds ?? 10) <= 5);
    assert.deepEqual(entry.admissionReviewVersions, ['v1']);
  });
  test('points to the Service', () => {
    const service = kind<V1Service>('Service');
    const { name, namespace, port } = entry.clientConfig.service ?? {};
    assert.deepEqual([name, namespace], [service.metadata?.name, service.metadata?.namespace]);
    assert.equal(port, service.spec?.ports?.[0]?.port);
  });
});

describe('the configuration of the early word', () => {
  const configuration = kind<V1ValidatingWebhookConfiguration>('ValidatingWebhookConfiguration');
  const gate = kind<V1MutatingWebhookConfiguration>('MutatingWebhookConfiguration').webhooks?.[0];
  const entries = configuration.webhooks ?? [];

  test('has the name of the gate, is applied before it and removed after it', () => {
    assert.equal(configuration.metadata?.name, WEBHOOK_CONFIGURATION);
    assert.equal(objects.at(-2), configuration);
    assert.deepEqual(
      entries.map(({ name }) => name),
      [WORKLOADS_ENTRY, POLICIES_ENTRY],
    );
  });
  for (const entry of entries)
    test(`${entry.name} stops nobody while it is away, and goes where the gate goes`, () => {
      assert.equal(entry.failurePolicy, 'Ignore');
      assert.ok((entry.timeoutSeconds ?? 10) <= 3);
      assert.equal(entry.sideEffects, 'None');
      assert.deepEqual(entry.namespaceSelector, gate?.namespaceSelector);
      assert.deepEqual(entry.clientConfig.service, { ...gate?.clientConfig.service, path: '/validate' });
      assert.equal(entry.matchConditions?.at(-1)?.name, 'changed');
      for (const { resources, operations } of entry.rules ?? []) {
        assert.deepEqual(operations, ['CREATE', 'UPDATE']);
        assert.deepEqual(
          resources?.filter((each) => each.includes('/') || each === '*'),
          [],
          'neither scale nor status',
        );
      }
    });
  test('asks about ConfigMaps with our label alone', () => {
    assert.deepEqual(entries[1]?.objectSelector?.matchExpressions, [
      { key: POLICY_LABEL, operator: 'Exists' },
      { key: POLICY_LABEL, operator: 'NotIn', values: ['false'] },
    ]);
  });
});

test('nothing in it is a secret or differs between clusters', () => {
  const secret = kind<V1Secret>('Secret');
  assert.equal(secret.metadata?.name, WEBHOOK_NAME);
  assert.equal(secret.data ?? secret.stringData, undefined);
  assert.doesNotMatch(text, /caBundle:/);
});

test('the webhook may do nothing but look after its own certificate, list limits and quotas, and write Events', () => {
  assert.deepEqual(kind<V1Role>('Role').rules, [
    {
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: [WEBHOOK_NAME],
      verbs: ['get', 'update', 'patch', 'create'],
    },
  ]);
  assert.deepEqual(kind<V1ClusterRole>('ClusterRole').rules, [
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
      resourceNames: [WEBHOOK_CONFIGURATION],
      verbs: ['get', 'patch'],
    },
    { apiGroups: [''], resources: ['limitranges', 'resourcequotas'], verbs: ['list'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ]);
});

describe('annotated pods do not wait for a node', () => {
  const { spec } = kind<V1Deployment>('Deployment');
  const pod = spec?.template.spec;
  const labels = { 'app.kubernetes.io/name': 'kubectl-mcp', 'app.kubernetes.io/component': 'webhook' };

  test('two replicas stand apart, before other pods, and a rollout takes none away first', () => {
    assert.equal(spec?.replicas, 2);
    assert.deepEqual(spec.strategy?.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
    assert.deepEqual(spec.template.metadata?.labels, labels);
    assert.deepEqual(
      pod?.topologySpreadConstraints?.map(
        ({ topologyKey, whenUnsatisfiable, labelSelector, matchLabelKeys }) => [
          topologyKey,
          whenUnsatisfiable,
          labelSelector?.matchLabels,
          matchLabelKeys,
        ],
      ),
      ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((key) => [
        key,
        'ScheduleAnyway',
        labels,
        ['pod-template-hash'],
      ]),
    );
  });

  test('a drain takes one of them at a time', () => {
    const budget = kind<V1PodDisruptionBudget>('PodDisruptionBudget');
    assert.deepEqual(budget.spec, {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: labels },
    });
  });

  test('their priority is allowed in their namespace by a quota, where a provider asks for one', () => {
    const quota = kind<V1ResourceQuota>('ResourceQuota');
    assert.equal(quota.metadata?.namespace, INSTALL_NAMESPACE);
    assert.deepEqual(quota.spec?.scopeSelector?.matchExpressions?.[0]?.values, [pod?.priorityClassName]);
  });

  test('they have the time to let go of connections', () => {
    assert.ok((pod?.terminationGracePeriodSeconds ?? 30) >= 30);
  });
});

test('the webhook injects its own image, of the version of the package', () => {
  const { version } = JSON.parse(read('../../package.json')) as { version: string };
  const [container] = kind<V1Deployment>('Deployment').spec?.template.spec?.containers ?? [];
  assert.equal(container?.image, `kubectl-mcp.dev/kubectl-mcp:${version}`);
  assert.equal(container?.env?.find((each) => each.name === 'KUBECTL_MCP_IMAGE')?.value, container?.image);
});
