import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { changeLines } from '../../../plugin/enable/plan-lines.ts';
import { changesOf } from '../../../plugin/enable/change.ts';
import type { Workload } from '../../../plugin/enable/workload.ts';
import { pinsName, planPin } from '../../../plugin/pin/plan.ts';
import { imageOf } from '../../../plugin/pin/read-server.ts';

const workload = (annotations: Record<string, string>): Workload =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'weather', namespace: 'demo' },
    spec: {
      selector: {},
      template: {
        metadata: {
          annotations: Object.fromEntries(
            Object.entries(annotations).map(([key, value]) => [`kubectl-mcp.dev/${key}`, value]),
          ),
        },
      },
    },
  }) as Workload;
const map = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'demo' },
  data,
});
const said = (given: Parameters<typeof planPin>[0]): string[] =>
  changesOf(planPin(given)).flatMap((each) => changeLines(each));

describe('pinning', () => {
  test('makes the ConfigMap first, for pods wait for it, and then names it in the template', () => {
    const given = workload({ inject: 'true' });
    assert.deepEqual(
      said({
        workload: given,
        server: undefined,
        before: undefined,
        after: map('weather-mcp-pins'),
        details: ['2 tools pinned'],
      }),
      [
        'configmap/weather-mcp-pins created',
        '    2 tools pinned',
        'deployment.apps/weather pinned',
        '    kubectl-mcp.dev/pins: "weather-mcp-pins"',
      ],
    );
  });

  test('of one of several servers names it for that one', () => {
    const given = workload({ inject: 'true', 'now.port': '1', 'later.port': '2' });
    assert.deepEqual(pinsName(given, 'now'), { name: 'weather-now-mcp-pins', annotated: false });
    assert.match(
      said({
        workload: given,
        server: 'now',
        before: undefined,
        after: map('weather-now-mcp-pins'),
        details: [],
      }).join(),
      /kubectl-mcp\.dev\/now\.pins: "weather-now-mcp-pins"/,
    );
  });

  test('again changes the ConfigMap that the template names, and no pod', () => {
    const given = workload({ inject: 'true', name: 'sky', pins: 'ours' });
    assert.deepEqual(pinsName(given, undefined), { name: 'ours', annotated: true });
    const plan = planPin({
      workload: given,
      server: undefined,
      before: map('ours', { 'pins.json': '1', notes: 'of the owner' }),
      after: map('ours', { 'pins.json': '2' }),
      details: [],
    });
    assert.equal(plan.template, undefined);
    assert.deepEqual((plan.before[0]!.after as V1ConfigMap).data, {
      'pins.json': '2',
      notes: 'of the owner',
    });
  });
});

const pod = (imageID: string, annotations: Record<string, string> = {}): V1Pod => ({
  metadata: {
    name: 'weather-1',
    namespace: 'demo',
    annotations: { 'kubectl-mcp.dev/inject': 'true', ...annotations },
  },
  spec: { containers: [{ name: 'server', image: 'weather:1', ports: [{ containerPort: 8000 }] }] },
  status: {
    containerStatuses: [{ name: 'server', image: 'weather:1', imageID, ready: true, restartCount: 0 }],
  },
});

describe('the image of a server', () => {
  const digest = `sha256:${'c'.repeat(64)}`;

  test('is that of its container, with the digest that the node tells', () => {
    for (const id of [`registry.example.com/weather@${digest}`, digest])
      assert.deepEqual(imageOf(pod(id), undefined), { image: 'weather:1', digest });
    assert.deepEqual(imageOf(pod(''), undefined), { image: 'weather:1' });
  });

  test('is none of a server that runs elsewhere', () => {
    assert.deepEqual(
      imageOf(pod(digest, { 'kubectl-mcp.dev/upstream': 'https://tools.example.com/mcp' }), undefined),
      {},
    );
  });
});
