import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { merge } from '../../../plugin/audit/merge.ts';
import { inOrder, readEntries, type Tally } from '../../../plugin/audit/read-entries.ts';
import type { Entry } from '../../../plugin/audit/read-line.ts';
import { findRuns } from '../../../plugin/audit/runs.ts';
import { createWaitingRoom } from '../../../plugin/audit/waiting-room.ts';
import { auditLine, START_MS } from './record-lines.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubectl-mcp-merge-'));
after(() => rmSync(directory, { recursive: true }));

const entry = (timeMs: number, json = ''): Entry => ({ timeMs, json, record: {} });
const inPieces = (entries: Entry[], size: number): AsyncIterable<Entry[]> =>
  Readable.from(
    Array.from({ length: Math.ceil(entries.length / size) }, (_, at) =>
      entries.slice(at * size, at * size + size),
    ),
  );
async function all(batches: AsyncIterable<readonly Entry[]>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const batch of batches) found.push(...batch);
  return found;
}
const reading = (): { title: string; tally: Tally; wanted: () => boolean } => ({
  title: 'x',
  tally: { broken: 0 },
  wanted: () => true,
});

describe('logs merged', () => {
  test('hold every record once, in order of time, and of one time in the order of the logs', async () => {
    const log = fc.array(fc.nat(50), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(log, { maxLength: 6 }),
        fc.integer({ min: 1, max: 7 }),
        async (logs, size) => {
          const sources = logs.map((times, index) =>
            times.toSorted((a, b) => a - b).map((timeMs) => entry(timeMs, String(index))),
          );
          const merged = await all(merge(sources.map((each) => inPieces(each, size))));
          assert.deepEqual(
            merged,
            sources.flat().toSorted((a, b) => a.timeMs - b.timeMs || Number(a.json) - Number(b.json)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('are in order where lines of one log are late by less than the window', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(4_000), fc.nat(1_900)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        async (steps, size) => {
          let nowMs = 0;
          const entries = steps.map(([stepMs, lateMs]) => entry((nowMs += stepMs) - lateMs));
          assert.deepEqual(
            (await all(inOrder(inPieces(entries, size)))).map(({ timeMs }) => timeMs),
            entries.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('that were written one after the other into one file are found in it', async () => {
    const path = join(directory, 'both.log');
    const lines = ['weather-1', 'weather-2'].flatMap((pod) =>
      [0, 60_000, 120_000].map((atMs) => auditLine({ atMs, pod })),
    );
    lines.splice(2, 0, '{"time":"2020-01-01T00:00:00Z","level":"info","message":"started"}\n');
    writeFileSync(path, lines.join(''));
    const file = await open(path);
    const { runs } = await findRuns(file);
    await file.close();
    const border = lines.slice(0, 4).join('').length;
    assert.deepEqual(runs, [
      { start: 0, end: border },
      { start: border, end: lines.join('').length },
    ]);
  });
});

describe('a log that is read', () => {
  const lines = [auditLine({ tool: 'größe 🌍' }), 'no JSON\n', auditLine().slice(0, 50), '\n', auditLine()];

  test('gives the same, however it is cut into pieces, and counts what is broken', async () => {
    const bytes = Buffer.from(lines.join(''));
    for (const size of [1, 7, 100, 10_000]) {
      const options = reading();
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, at * size + size),
      );
      const found = await all(readEntries(Readable.from(pieces), options));
      assert.deepEqual(
        found.map(({ record }) => record.target?.['name']),
        ['größe 🌍', 'echo'],
      );
      assert.deepEqual(options.tally, { broken: 2, firstBroken: 'line 2 of x' });
    }
  });

  test('is not held where a line never ends', async () => {
    const options = reading();
    const endless = Array.from({ length: 20 }, () => Buffer.alloc(1024 * 1024, 'x'));
    assert.deepEqual(await all(readEntries(Readable.from(endless), options)), []);
    assert.equal(options.tally.broken, 1);
  });
});

test('records of pods that are followed leave in order of time, each after a short wait', async () => {
  let nowMs = 0;
  const room = createWaitingRoom(() => nowMs);
  await room.push([entry(START_MS + 5), entry(START_MS + 9)]);
  nowMs = 300;
  await room.push([entry(START_MS + 7), entry(START_MS + 20)]);
  assert.deepEqual(room.settled(399), []);
  assert.deepEqual(
    room.settled(400).map(({ timeMs }) => timeMs - START_MS),
    [5, 7, 9],
  );
  assert.deepEqual(room.settled(600), []);
  assert.deepEqual(
    room.settled(700).map(({ timeMs }) => timeMs - START_MS),
    [20],
  );
});
