/** The parts of the soak that decide and draw; the soak itself is a stage of `npm run test:full`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMost, compareRests, judgeResident, slope, type Rest } from './judge.ts';
import { niceStep, plot } from './plot.ts';
import type { Sample } from './sample.ts';

const SAMPLE: Sample = {
  atS: 0,
  phase: 'quiet',
  rssMb: 80,
  heapMb: 10,
  externalMb: 3,
  descriptors: 26,
  established: 2,
  closeWait: 0,
  timeWait: 0,
  loopDelayMs: 10,
};
const rest = (sample: Partial<Sample> = {}, streams = 1): Rest => ({
  sample: { ...SAMPLE, ...sample },
  gauges: { calls: 0, streams: 0, clients: 0, auditDropped: 0 },
  server: { sessions: 0, streams, calls: 0, openedSessions: 0, openedStreams: 0 },
});
const broken = (before: Rest, after: Rest): string[] =>
  compareRests('after', before, after)
    .filter(({ ok }) => !ok)
    .map(({ title }) => title);

/** A hundred seconds with a thousand sessions each. */
const during = (bytesPerSession: number): Sample[] =>
  Array.from({ length: 100 }, (_, second) => ({
    ...SAMPLE,
    phase: 'sessions',
    atS: second,
    rssMb: 80 + (second % 2) * 2 + (second * 1_000 * bytesPerSession) / 2 ** 20,
  }));

test('a sidecar that is as before breaks nothing', () => {
  assert.deepEqual(broken(rest(), rest({ heapMb: 11 })), []);
});

test('a descriptor, a stream at the server and some megabytes that stay are each told', () => {
  assert.deepEqual(broken(rest(), rest({ descriptors: 27 })), ['after: descriptors']);
  assert.deepEqual(broken(rest(), rest({}, 2)), [
    'after: calls, streams and half-closed connections left here and at the server',
  ]);
  assert.deepEqual(broken(rest(), rest({ externalMb: 7 })), ['after: live memory, grown by']);
});

test('a hundred bytes that every session leaves are told from a noise of megabytes', () => {
  for (const [bytes, ok] of [
    [0, true],
    [100, false],
  ] as const)
    assert.equal(judgeResident(rest(), rest(), during(bytes), 100_000)[1]?.ok, ok);
});

test('a slope is that of the line through the points', () => {
  assert.equal(
    slope([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
    2,
  );
  assert.equal(slope([[1, 1]]), 0);
});

test('a figure without a unit is shown without one', () => {
  assert.deepEqual(atMost('lines', 3, 20, ''), { title: 'lines', measured: '3', allowed: '≤ 20', ok: true });
});

test('a plot has axes with units, its phases, and colours for dark pages', () => {
  const samples = ['warm-up', 'sessions', 'quiet'].map((phase, index) => ({
    ...SAMPLE,
    phase,
    atS: index * 10,
  }));
  const svg = plot(samples, [
    { title: 'Memory', unit: 'MB', lines: [{ name: 'resident', value: (each) => each.rssMb }] },
  ]);
  for (const part of [
    'Memory, MB',
    '>resident<',
    '>sessions<',
    '>20 s<',
    '>80<',
    'prefers-color-scheme:dark',
  ])
    assert.ok(svg.includes(part), part);
  assert.doesNotMatch(svg, /NaN|undefined/);
});

test('ticks are 1, 2 or 5 times a power of ten', () => {
  assert.deepEqual([0.7, 1.1, 3, 23, 51, 900].map(niceStep), [1, 2, 5, 50, 100, 1_000]);
});
