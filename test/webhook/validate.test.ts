/** The early word: reviews of workloads and policies in, answers out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { answerOf, judgeReview } from '../../webhook/validate.ts';
import { PREFIX } from '../../webhook/names.ts';
import { inject } from '../../webhook/inject.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { assertGolden } from './golden.ts';
import { injectable, readPod, refused } from './golden-pods.ts';
import type { Answer } from './reviews.ts';
import { plainPod, workloadReview } from './reviews.ts';

const settings = { image: 'image:1', imagePullPolicy: 'Always' } as const;
const ours = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [PREFIX + key, value]));

type Parts = { kind?: string; on?: Record<string, string>; template?: Record<string, string>; spec?: object };
const GROUPS: Record<string, string> = { CronJob: 'batch/v1', Job: 'batch/v1', ConfigMap: 'v1' };
function workload({ kind = 'Deployment', on, template, spec }: Parts = {}): KubernetesObject {
  const { spec: podSpec } = plainPod({});
  const pod = { metadata: { ...(template && { annotations: ours(template) }) }, spec: podSpec };
  const holder = { ...spec, template: pod };
  return {
    apiVersion: GROUPS[kind] ?? 'apps/v1',
    kind,
    metadata: { name: 'every', ...(on && { annotations: ours(on) }) },
    spec: kind === 'CronJob' ? { jobTemplate: { spec: holder } } : holder,
  } as KubernetesObject;
}
const policy = (text: string | undefined, labels: Record<string, string> = { [`${PREFIX}policy`]: 'true' }) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'rules', labels },
    data: text === undefined ? {} : { 'policy.yaml': text },
  }) as KubernetesObject;

function word(object: KubernetesObject, old?: KubernetesObject) {
  const judgement = judgeReview(workloadReview(object, old), settings);
  assert.ok('uid' in judgement, JSON.stringify(judgement));
  const { body, outcome } = answerOf(judgement);
  const { response } = body as Answer;
  assert.equal(response.allowed, outcome !== 'refused');
  return { outcome, message: response.status?.message, warnings: response.warnings, judgement };
}
const wordless = { outcome: 'allowed', message: undefined, warnings: undefined };
const said = (object: KubernetesObject, old?: KubernetesObject) => {
  const { judgement: _, ...rest } = word(object, old);
  return rest;
};

const RIGHT = { inject: 'true' };
const WRONG = { inject: 'true', 'deny-tool': 'x', port: 'eighty' };
const OLD = 'older';
const hooked = () => {
  const found = workload({ template: RIGHT }) as { spec: { template: { spec: { containers: object[] } } } };
  Object.assign(found.spec.template.spec.containers[0]!, {
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
  });
  return found as KubernetesObject;
};

describe('what a person reads', () => {
  for (const [file, object, old] of [
    ['template-refused', workload({ template: WRONG })],
    ['cronjob-refused', workload({ kind: 'CronJob', template: WRONG })],
    ['misplaced-created', workload({ on: { inject: 'true', mode: 'read-only' } })],
    ['misplaced-annotated', workload({ on: RIGHT }), workload()],
    ['misplaced-cronjob', workload({ kind: 'CronJob', on: RIGHT }), workload({ kind: 'CronJob' })],
    ['misplaced-job', workload({ kind: 'Job', on: RIGHT }), workload({ kind: 'Job' })],
    ['misplaced-and-refused', workload({ on: { mode: "it's" }, template: WRONG })],
    [
      'misplaced-before',
      workload({ on: RIGHT, template: {}, spec: {} }),
      workload({ on: RIGHT, template: WRONG }),
    ],
    ['warned', hooked()],
    ['cronjob-without-name', workload({ kind: 'CronJob', template: RIGHT })],
    ['container-of-another', workload({ template: { ...RIGHT, container: 'agent' } })],
    [
      'says-two-things',
      workload({ on: { inject: 'true', mode: 'all' }, template: { ...RIGHT, mode: 'read-only' } }),
    ],
    ['policy-refused', policy('version: 1\ntools:\n  deny: [a]\n  mod: all\n')],
    ['policy-no-yaml', policy('version: 1\ntools: {deny: [a], deny: []}\n')],
    ['policy-rule', policy('version: 1\nrules: [{name: a, tools: ["*"], deny: principal.group == "x"}]\n')],
    ['policy-without-file', policy(undefined)],
  ] as const) {
    test(file, () => {
      const { outcome, message, warnings = [] } = said(object, old);
      const lines = [outcome, ...(message ? [message] : []), ...warnings.map((each) => `Warning: ${each}`)];
      assertGolden(new URL(`golden-early/${file}.txt`, import.meta.url), `${lines.join('\n')}\n`);
    });
  }
});

describe('nothing is said of', () => {
  const twice = { inject: 'true', mode: 'read-only' };
  for (const [what, object, old] of [
    ['a template that will be injected', workload({ template: RIGHT })],
    ['a template that opted out', workload({ template: { inject: 'false', prot: '1' } })],
    ['a workload without our annotations', workload()],
    ['annotations that stand on both, as kustomize writes them', workload({ on: twice, template: twice })],
    ['marks that the plugin leaves', workload({ on: { nudged: 'now', 'original-target-ports': '{}' } })],
    ['a workload without a template', workload({ kind: 'ReplicaSet' })],
    ['a policy', policy('version: 1')],
    ['another ConfigMap', policy('what: ever', {})],
    ['a ConfigMap that is no policy of ours', policy('what: ever', { [`${PREFIX}policy`]: 'false' })],
    ['a policy whose text stays as wrong as it was', policy('what: ever'), policy('what: ever')],
    ['a ConfigMap that is a policy no more', policy('what: ever', {}), policy('version: 1')],
  ] as const) {
    test(what, () => assert.deepEqual(said(object, old), wordless));
  }
});

describe('a workload that would be refused today, and is there', () => {
  for (const [template, on] of [
    [WRONG, undefined],
    [undefined, RIGHT],
    [WRONG, RIGHT],
  ] as const) {
    const before = (spec: object) => workload({ ...(template && { template }), ...(on && { on }), spec });
    test(`scales and pauses: ${JSON.stringify({ template, on })}`, () => {
      assert.deepEqual(said(before({ replicas: 3, paused: true }), before({ replicas: 1 })), wordless);
      const labelled = before({});
      labelled.metadata = { ...labelled.metadata, labels: { [OLD]: OLD }, annotations: { other: 'x' } };
      assert.deepEqual(said(labelled, before({})), wordless, 'also when our annotations are taken away');
    });
  }

  test('rolls back to a template without our annotations, and is told when the older one is refused, too', () => {
    assert.deepEqual(said(workload(), workload({ template: WRONG })), wordless);
    assert.equal(
      said(workload({ template: { ...WRONG, port: 'x' } }), workload({ template: WRONG })).outcome,
      'refused',
    );
  });
});

describe('a template gets the word that its pods will get', () => {
  for (const file of [...injectable, ...refused]) {
    test(file, () => {
      const { metadata, spec } = readPod(file);
      // Its pods would have the Deployment's name; those of a golden file have one of their own.
      const name = metadata?.ownerReferences?.[0]?.name ?? metadata?.name ?? 'every';
      const template = { metadata: { ...metadata, ownerReferences: undefined }, spec };
      const { judgement, outcome, message } = word({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name },
        spec: { template },
      } as KubernetesObject);
      const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: '', controller: true };
      const pod = { ...readPod(file), metadata: { ...metadata, ownerReferences: [owner] } };
      const onPod = inject(pod, { ...settings, namespace: 'demo', drainRandom: 'x'.repeat(32) });
      const codes = 'refusals' in onPod ? [...new Set(onPod.refusals.map(({ reason }) => reason))] : [];
      if (['ContainerUnknown', 'CommandMissing'].includes(codes.join()))
        return assert.equal(outcome, 'warned');
      assert.deepEqual([judgement.about.reasons, outcome === 'refused'], [codes, codes.length > 0]);
      if ('refusals' in onPod)
        assert.ok(message?.includes(refusalText(onPod.refusals)), message ?? 'no word');
    });
  }
});

test('a patch that nobody would copy is told as a path', () => {
  const { message } = said(workload({ kind: 'CronJob', on: { 'allow-tools': 'x,'.repeat(5_000) } }));
  assert.match(message ?? '', /; move it to spec\.jobTemplate\.spec\.template\.metadata\.annotations \[/);
  assert.ok((message?.length ?? 0) < 500);
});

test('codes are those of the pods, and the namespace is that of the request', () => {
  const { judgement } = word(workload({ template: WRONG, on: { mode: 'all' } }));
  assert.deepEqual(judgement.about.reasons, ['KeyUnknown', 'AnnotationOnOwner']);
  const { judgement: good } = word(workload({ template: RIGHT, spec: { replicas: 3 } }));
  assert.deepEqual([good.asked?.namespace, good.asked?.pods], ['demo', 3]);
  assert.equal(judgement.asked, undefined, 'nothing is foreseen for what is refused');
});

test('what was foreseen is told as warnings, in one line each', () => {
  const { judgement } = word(workload({ template: RIGHT }));
  const { body, outcome } = answerOf(judgement, ['two\n  lines\n']);
  assert.equal(outcome, 'warned');
  assert.deepEqual((body as Answer).response.warnings, ['two lines']);
});

describe('what is no review of these is a fault that says so', () => {
  const good = workloadReview(workload());
  for (const [what, sent, fault] of [
    ['nothing', undefined, /body: /],
    [
      'a pod',
      workloadReview({ ...plainPod({}), kind: 'Pod', apiVersion: 'v1' } as KubernetesObject),
      /request\.kind/,
    ],
    ['a removal', { ...good, request: { ...good.request, operation: 'DELETE' } }, /request\.operation: /],
    [
      'annotations that are no texts',
      workloadReview(workload({ on: { a: 1 as unknown as string } })),
      /annotations/,
    ],
  ] as const) {
    test(what, () => {
      const result = judgeReview(sent, settings);
      assert.match('fault' in result ? result.fault : '', fault);
    });
  }
});
