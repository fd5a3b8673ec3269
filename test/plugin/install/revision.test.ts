import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  KubernetesObject,
  V1Deployment,
  V1LabelSelector,
  V1Service,
  V1ValidatingAdmissionPolicy,
} from '@kubernetes/client-node';
import { selectorMatches } from '../../../plugin/enable/workload.ts';
import { installObjects } from '../../../plugin/install/manifest.ts';
import {
  asleep,
  checkRevision,
  defaultObjects,
  isConfiguration,
  revisionObjects,
} from '../../../plugin/install/revision.ts';
import { installNames, REVISION_LABEL, WEBHOOK_CONFIGURATION, WEBHOOK_NAME } from '../../../webhook/names.ts';

const OBJECTS = installObjects('kubectl-mcp:2');
const CANARY = revisionObjects(OBJECTS, 'canary');
const kind = <T extends KubernetesObject>(objects: readonly KubernetesObject[], name: string): T =>
  objects.find((each) => each.kind === name) as T;
const keyOf = ({ kind: type, metadata }: KubernetesObject) =>
  `${type} ${metadata?.namespace}/${metadata?.name}`;

type Configuration = KubernetesObject & { webhooks: { name: string; namespaceSelector: V1LabelSelector }[] };
const configurationsOf = (objects: readonly KubernetesObject[]): Configuration[] =>
  objects.filter(isConfiguration) as Configuration[];

/** Which entries are asked about a namespace: `kubectl-mcp-canary/inject.kubectl-mcp.dev`. */
const asked = (configurations: readonly Configuration[], labels: Record<string, string>): string[] =>
  configurations.flatMap(({ metadata, webhooks }) =>
    webhooks
      .filter((each) => selectorMatches(each.namespaceSelector, labels))
      .map((each) => `${metadata!.name}/${each.name}`),
  );

const SETS = [[], ['canary'], ['canary', 'next'], ['a', 'b', 'c']];

describe('revisions side by side', () => {
  it('share no object, and nothing of theirs is called like the default', () => {
    const all = [...OBJECTS, ...CANARY, ...revisionObjects(OBJECTS, 'next')];
    assert.equal(new Set(all.map(keyOf)).size, all.length);
    const text = JSON.stringify(CANARY);
    const { webhook, configuration } = installNames();
    for (const name of [webhook, configuration]) {
      assert.doesNotMatch(text, new RegExp(`"(name|policyName|serviceAccountName)":"${name}"`));
      assert.doesNotMatch(text, new RegExp(`"resourceNames":\\[[^\\]]*"${name}"`));
    }
    assert.doesNotMatch(text, /:kubectl-mcp-webhook'/);
  });

  it('have all that is a webhook’s own, and nothing that is of the installation', () => {
    const own = OBJECTS.filter(({ metadata }) =>
      [WEBHOOK_NAME, WEBHOOK_CONFIGURATION].includes(metadata!.name!),
    );
    assert.deepEqual(
      CANARY.map((each) => each.kind),
      own.map((each) => each.kind),
    );
    for (const needed of ['Deployment', 'Service', 'Secret', 'ServiceAccount', 'ClusterRole', 'Role']) {
      assert.ok(kind(CANARY, needed), needed);
    }
    assert.ok(CANARY.every(({ metadata }) => metadata!.labels![REVISION_LABEL] === 'canary'));
  });

  it('each Service, budget and spread selects the pods of its own Deployment alone', () => {
    const deployments = [kind<V1Deployment>(OBJECTS, 'Deployment'), kind<V1Deployment>(CANARY, 'Deployment')];
    const services = [kind<V1Service>(OBJECTS, 'Service'), kind<V1Service>(CANARY, 'Service')];
    for (const [index, { spec }] of deployments.entries()) {
      const { labels } = spec!.template.metadata!;
      for (const [other, service] of services.entries()) {
        const matches = selectorMatches({ matchLabels: service.spec!.selector! }, labels);
        assert.equal(matches, index === other);
        assert.equal(selectorMatches(deployments[other]!.spec!.selector, labels), index === other);
      }
      for (const { labelSelector } of spec!.template.spec!.topologySpreadConstraints!) {
        assert.ok(selectorMatches(labelSelector, labels));
      }
    }
  });

  it('the webhook is told its name, and its account is held to its own caBundle', () => {
    const { env } = kind<V1Deployment>(CANARY, 'Deployment').spec!.template.spec!.containers[0]!;
    assert.deepEqual(env!.at(-1), { name: 'KUBECTL_MCP_REVISION', value: 'canary' });
    const { spec } = kind<V1ValidatingAdmissionPolicy>(CANARY, 'ValidatingAdmissionPolicy');
    assert.match(spec!.matchConditions![0]!.expression, /:kubectl-mcp-webhook-canary'$/);
  });

  for (const revisions of SETS)
    it(`with ${revisions.join(' and ') || 'none'}, one webhook of each sort is asked about every namespace`, () => {
      const configurations = configurationsOf([
        ...defaultObjects(OBJECTS, revisions),
        ...revisions.flatMap((each) => revisionObjects(OBJECTS, each)),
      ]);
      const sorts = configurationsOf(OBJECTS).flatMap(({ webhooks }) => webhooks.map((each) => each.name));
      for (const value of [undefined, '', 'unknown', 'default', 'canary', 'next', 'a', 'b', 'c']) {
        const labels = {
          'kubernetes.io/metadata.name': 'web',
          ...(value !== undefined && { [REVISION_LABEL]: value }),
        };
        const { configuration } = installNames(revisions.includes(value!) ? value : undefined);
        assert.deepEqual(
          asked(configurations, labels).toSorted(),
          sorts.map((each) => `${configuration}/${each}`).toSorted(),
          String(value),
        );
        for (const name of ['kube-system', 'kubectl-mcp-system']) {
          assert.deepEqual(asked(configurations, { ...labels, 'kubernetes.io/metadata.name': name }), []);
        }
      }
    });

  it('a revision that is not ready yet is asked about nobody', () => {
    const configurations = configurationsOf(CANARY.map((each) => asleep(each, 'canary')));
    for (const value of ['canary', 'other'])
      assert.deepEqual(asked(configurations, { [REVISION_LABEL]: value }), []);
    assert.deepEqual(asked(configurations, {}), []);
  });

  it('what was said of revisions before is replaced', () => {
    const twice = defaultObjects(defaultObjects(OBJECTS, ['a', 'b']), ['a']);
    assert.deepEqual(twice, defaultObjects(OBJECTS, ['a']));
    assert.deepEqual(defaultObjects(twice, []), defaultObjects(OBJECTS, []));
  });

  for (const wrong of ['', 'Canary', '1.2', 'a.b', '-a', 'a-', 'default', 'a'.repeat(44)])
    it(`"${wrong}" is no name`, () => assert.throws(() => checkRevision(wrong), /"--revision" flag/));
  for (const right of ['canary', 'v2', '0-1'.replace('0', 'r'), 'a'.repeat(43)])
    it(`"${right}" is a name`, () => {
      checkRevision(right);
      assert.ok(installNames(right).webhook.length <= 63);
    });
});
