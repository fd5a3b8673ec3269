import assert from 'node:assert/strict';
import { test } from 'node:test';
import { giveBackMemory } from '../../sidecar/give-back-memory.ts';

test('what is used no more is given back, and collecting is not left to others', () => {
  const kept = new Map<number, string[]>();
  for (let index = 0; index < 2_000; index++)
    kept.set(
      index,
      Array.from({ length: 2_000 }, () => `${index}`),
    );
  const full = process.memoryUsage().heapTotal;
  assert.ok(full > 30e6);
  kept.clear();
  giveBackMemory();
  const after = process.memoryUsage().heapTotal;
  assert.ok(full - after > 25e6, `${full} before, ${after} after`);
  assert.equal(globalThis.gc, undefined);
});
