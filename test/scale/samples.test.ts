import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grownHistogram, quantile, samplesIn, total } from './samples.ts';

const scrape = (fast: number, slow: number): string => `# HELP took_seconds of
# TYPE took_seconds histogram
took_seconds_bucket{name="ours",rejected="false",le="0.005"} ${fast}
took_seconds_bucket{name="ours",rejected="false",le="0.025"} ${fast + slow}
took_seconds_bucket{name="ours",rejected="false",le="+Inf"} ${fast + slow}
took_seconds_bucket{name="others",le="0.005"} 7
asked_total{name="ours",code="200"} ${fast}
asked_total{name="ours",code="422"} ${slow}
`;

test('a counter is summed over the series that have the labels', () => {
  const samples = samplesIn(scrape(10, 5));
  assert.equal(total(samples, 'asked_total', { name: 'ours' }), 15);
  assert.equal(total(samples, 'asked_total', { name: 'ours', code: '422' }), 5);
  assert.equal(total(samples, 'asked_total', { name: 'nobody' }), 0);
});

test('a quantile is of what came between two scrapes, evenly spread within its bucket', () => {
  const grown = grownHistogram(samplesIn(scrape(50, 50)), samplesIn(scrape(148, 52)), 'took_seconds', {
    name: 'ours',
  });
  assert.deepEqual(grown, [
    { le: 0.005, count: 98 },
    { le: 0.025, count: 100 },
    { le: Infinity, count: 100 },
  ]);
  assert.equal(quantile(grown, 0.98), 0.005);
  assert.equal(quantile(grown, 0.99), 0.015);
  assert.equal(quantile(grown, 0.49), 0.0025);
});

test('what is over the last bound is at least that, and there is no quantile of nothing', () => {
  assert.equal(
    quantile(
      [
        { le: 1, count: 1 },
        { le: Infinity, count: 100 },
      ],
      0.99,
    ),
    1,
  );
  assert.ok(Number.isNaN(quantile([], 0.99)));
});
