import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventLedger } from '../../webhook/event-ledger.ts';
import type { Occurrence } from '../../webhook/occurrences.ts';

const of = (uid: string, reason: Occurrence['reason'] = 'KeyUnknown', message = 'm'): Occurrence => ({
  namespace: 'demo',
  owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'every-abc', uid },
  reason,
  message,
});

test('the first refusal of an owner is due at once; those that follow are one write, later and later', () => {
  const ledger = createEventLedger();
  const [dueMs, counts]: number[][] = [[], []];
  let nowMs = 0;
  // One a second for an hour, as no controller does it.
  for (; nowMs <= 3_600_000; nowMs += 1_000) {
    ledger.record(of('u', 'KeyUnknown', `at ${nowMs}`), nowMs);
    const entry = ledger.next();
    if (!entry || entry.dueMs > nowMs) continue;
    assert.equal(entry.occurrence.message, `at ${nowMs}`, 'the latest is shown');
    dueMs!.push(nowMs / 1000);
    counts!.push(entry.unwritten);
    ledger.settle(entry, entry.unwritten, nowMs);
  }
  assert.deepEqual(dueMs!.slice(0, 8), [0, 10, 30, 70, 150, 310, 610, 910]);
  assert.ok(dueMs!.length < 20, `${dueMs!.length} writes`);
  const written = counts!.reduce((sum, each) => sum + each, 0);
  assert.equal(written + (ledger.next()?.unwritten ?? 0), 3_601, 'none is lost');
});

test('of injections the first is told, and no other', () => {
  const ledger = createEventLedger();
  for (let index = 0; index < 5; index++) ledger.record(of('u', 'Injected'), index);
  assert.equal(ledger.next()?.unwritten, 1);
});

test('what could not be written is tried again; what happened meanwhile is not lost', () => {
  const ledger = createEventLedger();
  ledger.record(of('u'), 0);
  const entry = ledger.next()!;
  ledger.record(of('u'), 1);
  ledger.settle(entry, 0, 2);
  assert.deepEqual([ledger.next()?.unwritten, ledger.next()?.dueMs], [2, 10_002]);
  ledger.settle(entry, 1, 3);
  assert.equal(ledger.next()?.unwritten, 1);
});

test('it is bounded: what is written makes room, what is not is dropped, and said to be', () => {
  const ledger = createEventLedger();
  for (let index = 0; index < 1_000; index++) assert.ok(ledger.record(of(`u${index}`), index));
  assert.equal(ledger.record(of('one-more'), 1_000), false);
  assert.ok(ledger.record(of('u5'), 1_000), 'one that is known is counted on');
  ledger.settle(ledger.next()!, 1, 1_000);
  assert.ok(ledger.record(of('one-more'), 1_001));
  assert.equal(ledger.record(of('another'), 1_002), false);
});
