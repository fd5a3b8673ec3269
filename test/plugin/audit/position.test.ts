import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPosition } from '../../../plugin/audit/position.ts';

const stamp = (second: string) => `2026-11-20T11:00:0${second}Z`;

test('a stream that begins again gives no line twice, and none is left out', () => {
  const position = createPosition();
  const log = [
    '0.000000001',
    '1.000000000',
    '1.000000001',
    '1.000000001',
    '1.000000001',
    '1.000000002',
    '2.000000000',
  ].map((second, index) => `${stamp(second)} {"line":${index}}`);
  const taken = (lines: readonly string[]) => lines.flatMap((line) => position.take(line) ?? []);
  assert.equal(position.sinceMs(), undefined);
  // Broken within lines of one time.
  assert.equal(taken(log.slice(0, 4)).length, 4);
  assert.equal(position.sinceMs(), Date.parse(stamp('1.000')));
  position.rewind();
  assert.deepEqual(taken(log.slice(1, 5)), ['{"line":4}']);
  position.rewind();
  assert.deepEqual(taken(log.slice(1)), ['{"line":5}', '{"line":6}']);
  position.rewind();
  assert.deepEqual(taken(log.slice(6)), []);
});
