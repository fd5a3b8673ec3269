/** Golden pods with something else in any place: the webhook answers, and what it answers with is right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import jsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { parseConfig } from '../../sidecar/config.ts';
import { ANNOTATION_KEYS } from '../../webhook/annotations.ts';
import { inject } from '../../webhook/inject.ts';
import { PREFIX } from '../../webhook/names.ts';
import { answerReview } from '../../webhook/review.ts';
import { uninject } from '../../webhook/uninject.ts';
import { injectable, readPod, refused, settings, sidecarOf } from './golden-pods.ts';

const PODS = [...injectable, ...refused].map(readPod);
const HOSTILE = [
  '',
  '$(POD_UID)',
  '__proto__',
  'mcp-proxy',
  'kubectl-mcp-keys',
  'kubectl-mcp-run',
  '/kubectl-mcp-bin/supervise',
  '/drain/x',
  '{"a":',
  '\\u0000',
  'é'.repeat(300),
];
const KEYS = [...ANNOTATION_KEYS, ...ANNOTATION_KEYS.map((key) => `a.${key}`), 'b.port', 'x'];

type Change = { at: number; how: number; text: string };
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(),
  how: fc.nat(),
  text: fc.oneof(
    fc.constantFrom(...HOSTILE, 'true', 'token', 'none', '8080', 'data', '*', 'stdio', '["x"]'),
    fc.string(),
  ),
});

/** Every place of a document: its holder and the key there. */
function placesOf(value: unknown, places: [holder: object, key: string][] = []): typeof places {
  if (typeof value !== 'object' || value === null) return places;
  for (const key of Object.keys(value)) {
    places.push([value, key]);
    placesOf((value as Record<string, unknown>)[key], places);
  }
  return places;
}

/** Of the type that was there: others the API server does not send. */
function changed(pod: V1Pod, { at, how, text }: Change): void {
  if (how % 3 === 0) {
    ((pod.metadata ??= {}).annotations ??= {})[PREFIX + KEYS[at % KEYS.length]] = text;
    return;
  }
  const places = placesOf(pod);
  const [holder, key] = places[at % places.length]!;
  const there = holder as Record<string, unknown>;
  const value = there[key];
  // With a port out of range, or a name or scheme that is none, no pod gets past the API server, whatever we make of it.
  if (key === 'name' && 'image' in there) there[key] = ['mcp-proxy', 'istio-proxy', `x${how}`][how % 3];
  else if (['scheme', 'protocol', 'restartPolicy'].includes(key)) delete there[key];
  else if (typeof value === 'string') there[key] = text;
  else if (key === 'containerPort') there[key] = [1, 80, 7410, 7411, 65_535][how % 5];
  else if (typeof value === 'number') there[key] = [0, -1, 1, 7410, 7411, 2 ** 31][how % 6];
  else if (typeof value === 'boolean') there[key] = !value;
  else if (Array.isArray(value)) there[key] = [[], [...value, ...value], value.toReversed()][how % 3 ? 1 : 2];
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete there[key];
}

test('the webhook answers any pod, and its patch applies', () => {
  const count = { fault: 0, untouched: 0, refused: 0, injected: 0 };
  fc.assert(
    fc.property(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }), (index, changes) => {
      const pod = structuredClone(PODS[index % PODS.length]!);
      for (const each of changes) changed(pod, each);
      const object = JSON.parse(JSON.stringify(pod)) as V1Pod;
      const kind = { group: '', version: 'v1', kind: 'Pod' };
      const request = { uid: 'u', kind, operation: 'CREATE', namespace: 'demo', object };
      const answer = answerReview(
        { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request },
        settings,
      );
      assert.deepEqual(object, JSON.parse(JSON.stringify(pod)), 'what was sent is not changed');
      if ('fault' in answer) return void count.fault++;
      count[answer.outcome]++;
      const { response } = answer.body as { response: { allowed: boolean; patch?: string; status?: object } };
      assert.equal(response.allowed, answer.outcome !== 'refused');
      if (answer.outcome !== 'injected') return assert.equal(response.patch, undefined);
      const patch = JSON.parse(Buffer.from(response.patch ?? btoa('[]'), 'base64').toString()) as Operation[];
      const injected = jsonPatch.applyPatch(structuredClone(object), patch, true).newDocument;
      const text = sidecarOf(injected)?.env?.[0]?.value ?? '';
      assert.doesNotMatch(text, /\$/, 'Kubernetes would expand it');
      parseConfig(text);
      const again = inject(injected, settings);
      assert.ok('pod' in again, JSON.stringify(again));
      assert.deepEqual(again.pod, injected);
      const back = uninject(injected);
      assert.equal(sidecarOf(back)?.env, undefined);
      assert.deepEqual(uninject(back), back);
    }),
    { numRuns: 4_000 },
  );
  assert.ok(Math.min(count.injected, count.refused) > 500, JSON.stringify(count));
});
