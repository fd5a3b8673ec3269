import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLineReader } from '../../../plugin/audit/read-line.ts';
import { auditLine } from './record-lines.ts';

const LINE = auditLine({ tool: 'say "hi"' }).trimEnd();
const RECORD = JSON.parse(LINE);
const docker = (log: string): string =>
  JSON.stringify({ log, stream: 'stdout', time: '2026-11-20T11:00:00.1Z' });

describe('an audit line', () => {
  for (const [what, line] of [
    ['as it was written', LINE],
    ['behind the prefix of kubectl', `[pod/weather-1/mcp-proxy] ${LINE}`],
    ['behind the time of kubectl', `2026-11-20T11:00:00.000000001Z ${LINE}`],
    ['behind both', `[pod/weather-1/mcp-proxy] 2026-11-20T11:00:00.000000001Z ${LINE}`],
    ['in a file of containerd', `2026-11-20T11:00:00.000000001+01:00 stdout F ${LINE}`],
    ['in a file of containerd with tags', `2026-11-20T11:00:00.000000001Z stdout F:x ${LINE}`],
    ['in a file of Docker', docker(`${LINE}\n`)],
  ] as const)
    test(`is read ${what}`, () => {
      const read = createLineReader()(line);
      assert.ok(typeof read === 'object', String(read));
      assert.deepEqual(read.record, RECORD);
      assert.equal(read.json, LINE);
      assert.equal(read.timeMs, Date.parse(RECORD.time));
    });

  test('that a runtime has split is put together, whatever comes between', () => {
    const cri = createLineReader();
    assert.equal(cri(`2026-11-20T11:00:00Z stdout P ${LINE.slice(0, 300)}`), 'part');
    assert.equal(cri('2026-11-20T11:00:00Z stderr F {"message":"started"}'), 'event');
    const whole = cri(`2026-11-20T11:00:00Z stdout F ${LINE.slice(300)}`);
    assert.deepEqual(typeof whole === 'object' && whole.record, RECORD);
    const inDocker = createLineReader();
    assert.equal(inDocker(docker(LINE.slice(0, 9))), 'part');
    const joined = inDocker(docker(`${LINE.slice(9)}\n`));
    assert.deepEqual(typeof joined === 'object' && joined.record, RECORD);
  });

  for (const [what, line, expected] of [
    ['cut at its end', LINE.slice(0, -5), 'broken'],
    ['cut at its beginning', LINE.slice(5), 'broken'],
    ['without a time', LINE.replace(/"time":"[^"]*"/, '"time":"?"'), 'broken'],
    ['of text', 'Error: out of memory', 'broken'],
    ['of another kind', '{"level":"info","message":"started"}', 'event'],
    ['of JSON that is no object', '[{}]', 'broken'],
    ['that is blank', ' ', 'blank'],
  ] as const)
    test(`${what} is ${expected}`, () => assert.equal(createLineReader()(line), expected));
});
