import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAge } from '../../../plugin/print/age.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const ago = (seconds: number): string => formatAge(new Date(NOW - seconds * 1_000), NOW);

// duration.HumanDuration of k8s.io/apimachinery
for (const [seconds, text] of [
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [190, '3m10s'],
  [10 * 60, '10m'],
  [179 * 60, '179m'],
  [3 * 3_600, '3h'],
  [3 * 3_600 + 300, '3h5m'],
  [26 * 3_600, '26h'],
  [49 * 3_600, '2d1h'],
  [12 * 86_400 + 3_600, '12d'],
  [800 * 86_400, '2y70d'],
  [9 * 365 * 86_400, '9y'],
] as const) {
  test(`${seconds} seconds are ${text}`, () => assert.equal(ago(seconds), text));
}

test('an age without a date, or from a clock ahead of ours, is not nonsense', () => {
  assert.equal(formatAge(undefined, NOW), '<unknown>');
  assert.equal(ago(-30), '0s');
});
