import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { eventNameOf, isRefusal, occurrenceOf } from '../../webhook/occurrences.ts';
import type { Reason } from '../../webhook/reasons.ts';
import { plainPod } from './reviews.ts';

const review = {
  namespace: 'demo',
  dryRun: false,
  reasons: ['KeyUnknown', 'PortMissing'] as Reason[],
  message: 'not so; do this [KeyUnknown, PortMissing]',
};
const ownedBy = (change: object): V1Pod => {
  const pod = plainPod({ inject: 'true' });
  Object.assign(pod.metadata!.ownerReferences![0]!, change);
  return pod;
};

const name = (change: object, reasons: Reason[] = review.reasons, message = '') =>
  eventNameOf(occurrenceOf(ownedBy(change), { ...review, reasons, message })!);

test('what became of a pod is told to its controller, under the first code', () => {
  const found = occurrenceOf(ownedBy({}), review);
  assert.deepEqual(found, {
    namespace: 'demo',
    owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'every-abc', uid: 'u' },
    reason: 'KeyUnknown',
    message: review.message,
  });
  assert.ok(isRefusal(found));
  const injected = occurrenceOf(ownedBy({}), { ...review, reasons: ['Injected'] });
  assert.ok(injected && !isRefusal(injected));
});

test('nobody is told of a dry run, of a pod that asked for nothing, or of one without a controller', () => {
  assert.equal(occurrenceOf(ownedBy({}), { ...review, dryRun: true }), undefined);
  for (const reason of ['NotAnnotated', 'OptedOut', 'MirrorPod'] as const)
    assert.equal(occurrenceOf(ownedBy({}), { ...review, reasons: [reason] }), undefined);
  assert.equal(occurrenceOf(ownedBy({ controller: false }), review), undefined);
  assert.equal(occurrenceOf({ spec: { containers: [] } }, review), undefined);
});

test('an owner that cannot be one is none: its name becomes part of a path', () => {
  for (const change of [
    { name: '../../../default/events/x' },
    { name: 'a?fieldManager=b' },
    { name: 'x'.repeat(254) },
    { uid: 'a/b' },
    { uid: '' },
    { kind: '' },
  ])
    assert.equal(occurrenceOf(ownedBy(change), review), undefined, JSON.stringify(change));
});

test('a message is as long as an Event takes it, and keeps its codes', () => {
  const long = `${'x'.repeat(3_000)} [KeyUnknown, PortMissing]`;
  const { message } = occurrenceOf(ownedBy({}), { ...review, message: long }) ?? {};
  assert.equal(message?.length, 1024);
  assert.match(message ?? '', /x… \[KeyUnknown, PortMissing\]$/);
});

test('the name of an Event is one for each owner and reason, whichever replica gives it', () => {
  assert.equal(name({}), name({}, ['KeyUnknown'], 'another'));
  const names = [name({}), name({ uid: 'v' }), name({}, ['PortMissing']), name({ name: 'a.b-c' })];
  names.push(name({ name: `a${'-'.repeat(251)}a` }));
  assert.equal(new Set(names).size, names.length);
  for (const each of names)
    assert.match(each, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/);
});
