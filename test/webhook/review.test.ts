import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import jsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { answerReview } from '../../webhook/review.ts';
import { plainPod, reviewOf } from './reviews.ts';
import type { Answer } from './reviews.ts';

const settings = { image: 'image:1', imagePullPolicy: 'Always' } as const;
const answer = (review: unknown) => {
  const result = answerReview(review, settings);
  assert.ok('body' in result, JSON.stringify(result));
  return { ...result, response: (result.body as Answer).response };
};

test('an annotated pod is allowed with a patch that injects it, under the uid of the request', () => {
  const pod = plainPod({ inject: 'true' });
  const { response, outcome } = answer(reviewOf(pod, { uid: 'b7a0f2c4' }));
  assert.equal(outcome, 'injected');
  assert.equal(response.uid, 'b7a0f2c4');
  assert.equal(response.allowed, true);
  assert.equal(response.patchType, 'JSONPatch');
  const patch = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()) as Operation[];
  const injected = jsonPatch.applyPatch(structuredClone(pod), patch).newDocument as V1Pod;
  assert.equal(injected.spec?.initContainers?.[0]?.name, 'mcp-proxy');

  const again = answer(reviewOf(injected, { uid: 'another' }));
  assert.deepEqual(again.response, { uid: 'another', allowed: true }, 'a reinvocation changes nothing');
});

test('a refused pod gets the message with status 422', () => {
  const { response, outcome, about } = answer(reviewOf(plainPod({ inject: 'true', port: 'eighty' })));
  assert.equal(outcome, 'refused');
  assert.deepEqual(response.status, {
    status: 'Failure',
    code: 422,
    reason: 'Invalid',
    message:
      'kubectl-mcp.dev/port: "eighty" is neither a number nor the name of a port that container "server" declares (3001); ' +
      "set it to the number of the server's port [PortUnknown]",
  });
  assert.deepEqual(about.reasons, ['PortUnknown']);
  assert.equal(response.allowed, false);
  assert.equal(about.detail, response.status?.message);
});

test('a pod that opted out, or never asked, is allowed without a patch', () => {
  const pods: Record<string, string>[] = [{ inject: 'false', prot: '1' }, {}];
  for (const annotations of pods) {
    const { response, outcome } = answer(reviewOf(plainPod(annotations)));
    assert.equal(outcome, 'untouched');
    assert.deepEqual(Object.keys(response).toSorted(), ['allowed', 'uid']);
  }
});

test('what is worth a word, but not a refusal, is a warning', () => {
  const pod = plainPod({ inject: 'true' });
  const [server] = pod.spec?.containers ?? [];
  if (server) server.lifecycle = { preStop: { sleep: { seconds: 5 } } };
  assert.deepEqual(answer(reviewOf(pod)).response.warnings, [
    'container "server" has a preStop hook of its own: calls that run at a stop may be cut',
  ]);
});

test("the namespace is the request's: at admission the pod has often none", () => {
  const { response } = answer(reviewOf(plainPod({ inject: 'true' }), { namespace: 'there' }));
  assert.match(
    Buffer.from(response.patch ?? '', 'base64').toString(),
    /https:\/\/every\.there\.mcp\.kubectl-mcp\.dev/,
  );
});

describe('what is no review of a new pod is a fault that says so', () => {
  const good = reviewOf(plainPod({ inject: 'true' }));
  for (const [title, sent, fault] of [
    ['nothing', undefined, /body: /],
    ['an array', [], /body: /],
    ['v1beta1', { ...good, apiVersion: 'admission.k8s.io/v1beta1' }, /apiVersion: /],
    ['no request', { ...good, request: undefined }, /request: /],
    ['an update', { ...good, request: { ...good.request, operation: 'UPDATE' } }, /request\.operation: /],
    [
      'a Deployment',
      { ...good, request: { ...good.request, kind: { group: 'apps', version: 'v1', kind: 'Deployment' } } },
      /request\.kind\.group: /,
    ],
    [
      'no containers',
      { ...good, request: { ...good.request, object: { spec: {} } } },
      /request\.object\.spec\.containers: /,
    ],
  ] as const) {
    test(title, () => {
      const result = answerReview(sent, settings);
      assert.ok('fault' in result, JSON.stringify(result));
      assert.match(result.fault, /^not an AdmissionReview of a new Pod: /);
      assert.match(result.fault, fault);
    });
  }
});
