import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { assertGolden } from '../../webhook/golden.ts';
import { GOLDEN, injectable } from '../../webhook/golden-pods.ts';
import { run } from '../run.ts';

const template = {
  metadata: { labels: { app: 'tools' }, annotations: { 'kubectl-mcp.dev/inject': 'true' } },
  spec: { containers: [{ name: 'tools', image: 'tools:1', ports: [{ containerPort: 3001 }] }] },
};
const selector = { matchLabels: { app: 'tools' } };
const job = { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } };
const object = (apiVersion: string, kind: string, spec: object) => ({
  apiVersion,
  kind,
  metadata: { name: `tools-${kind.toLowerCase()}` },
  spec,
});
const kinds = [
  object('apps/v1', 'Deployment', { selector, template }),
  object('apps/v1', 'StatefulSet', { selector, serviceName: 'tools', template }),
  object('apps/v1', 'DaemonSet', { selector, template }),
  object('apps/v1', 'ReplicaSet', { selector, template }),
  object('batch/v1', 'Job', job),
  object('batch/v1', 'CronJob', { schedule: '0 4 * * *', jobTemplate: { spec: job } }),
  object('v1', 'ReplicationController', { selector: { app: 'tools' }, template }),
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, generateName: 'tools-' },
    spec: template.spec,
  },
  object('v1', 'Service', { selector: { app: 'tools' }, ports: [{ port: 80, targetPort: 7410 }] }),
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'none' }, data: { template: 'x' } },
];
const list = stringify({ apiVersion: 'v1', kind: 'List', items: kinds }, { aliasDuplicateObjects: false });
const documents = (text: string): unknown[] => parseAllDocuments(text).map((each) => each.toJS() as unknown);
const inject = (input: string) => run(['inject', '-f', '-', '--image=proxy:1'], { input });
const uninject = (input: string) => run(['uninject', '-f', '-'], { input });

describe('kubectl mcp inject and uninject', () => {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  after(() => rmSync(folder, { recursive: true }));

  test('take every kind that has a pod template, in a List too', async () => {
    const { code, stdout, stderr } = await inject(list);
    const warning =
      'Warning: cronjob.batch/tools-cronjob: without kubectl-mcp.dev/name the webhook calls each run after its Job: set it, or audiences differ\n';
    assert.deepEqual({ code, stderr }, { code: 0, stderr: warning });
    assertGolden(new URL('./golden/kinds.injected.yaml', import.meta.url), stdout);
  });

  test('come back to what they began with, and twice is once', async () => {
    const { stdout: once } = await inject(list);
    assert.equal((await inject(once)).stdout, once);
    const { code, stdout: back, stderr } = await uninject(once);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(documents(back), kinds);
    assert.equal((await uninject(back)).stdout, back);
  });

  test('read files', async () => {
    const file = join(folder, 'pods.yaml');
    writeFileSync(file, injectable.map((each) => readFileSync(new URL(each, GOLDEN), 'utf8')).join('---\n'));
    const once = await run(['inject', '-f', file]);
    assert.equal(once.code, 0, once.stderr);
    assert.equal(documents(once.stdout).length, injectable.length);
    assert.equal((await uninject(once.stdout)).code, 0);
  });

  for (const [title, input, message] of [
    [
      'broken YAML',
      '{ apiVersion: v1, kind: A, metadata: { name: a } }\n---\nkind: [',
      /^error: stdin, document 2: /,
    ],
    [
      'what is no object',
      'a: b',
      /^error: stdin, document 1 is not a Kubernetes object: it needs apiVersion, kind and/,
    ],
    ['a text', 'hello', /^error: stdin, document 1 is not a Kubernetes object/],
    [
      'an item without a name',
      'apiVersion: v1\nkind: List\nitems: [{ kind: Pod, apiVersion: v1 }]',
      /document 1 is not/,
    ],
  ] as const) {
    test(`say what is wrong with ${title}`, async () => {
      for (const command of [inject, uninject]) {
        const { code, stdout, stderr } = await command(input);
        assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
        assert.match(stderr, message);
      }
    });
  }

  test('name every object that is refused', async () => {
    const text = kinds
      .slice(0, 2)
      .map((each) => stringify(each).replace('containerPort: 3001', 'hostPort: 1'))
      .join('---\n');
    const { code, stdout, stderr } = await inject(text);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(
      stderr,
      /^error: deployment\.apps\/tools-deployment: kubectl-mcp\.dev\/port .*\nstatefulset\.apps\/tools-statefulset: kubectl-mcp\.dev\/port .*\n$/,
    );
  });

  for (const value of [true, 3001, null]) {
    test(`say that an annotation that is ${value} needs quotes`, async () => {
      const annotations = { 'kubectl-mcp.dev/inject': value };
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a', annotations },
        spec: template.spec,
      };
      const { code, stderr } = await inject(JSON.stringify(pod));
      assert.equal(code, 1);
      assert.equal(
        stderr,
        `error: pod/a: the annotation kubectl-mcp.dev/inject is ${value}, which is not a text: write kubectl-mcp.dev/inject: "${value}"\n`,
      );
    });
  }

  test('never fail on pods that are typed wrong without naming the object', async () => {
    const wrong = fc.oneof(fc.constantFrom<unknown>('x', 1, true, [], {}, [1], [null], [{}], { name: 1 }));
    const pod = fc.record(
      {
        containers: fc.array(
          fc.record(
            {
              name: fc.oneof(fc.constant('a'), wrong),
              ports: wrong,
              env: wrong,
              lifecycle: wrong,
              resources: wrong,
            },
            { requiredKeys: ['name'] },
          ),
          { maxLength: 2 },
        ),
        initContainers: wrong,
        volumes: wrong,
        securityContext: wrong,
        terminationGracePeriodSeconds: wrong,
      },
      { requiredKeys: ['containers'] },
    );
    await fc.assert(
      fc.asyncProperty(pod, async (spec) => {
        const annotations = { 'kubectl-mcp.dev/inject': 'true', 'kubectl-mcp.dev/port': '3001' };
        const metadata = { name: 'a', annotations };
        const { code, stderr } = await inject(
          JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }),
        );
        if (code !== 0) assert.match(stderr, /^error: pod\/a: /);
      }),
      { numRuns: 200 },
    );
  });

  test('leave alone what only looks like a pod', async () => {
    const strange = [
      object('example.test/v1', 'Thing', { template: { spec: {} } }),
      object('example.test/v1', 'Thing', { template: 'x' }),
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
    ];
    const text = strange.map((each) => stringify(each)).join('---\n');
    for (const command of [inject, uninject]) {
      const { code, stdout, stderr } = await command(text);
      assert.equal(code, 0, stderr);
      assert.deepEqual(documents(stdout), strange);
    }
  });
});
