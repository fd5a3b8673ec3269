import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { createLineWriter } from '../../../sidecar/audit/line-writer.ts';

const WRITER = new URL('./write-lines.ts', import.meta.url).pathname;

/** A process that writes lines to its stdout, a pipe, and tells on stderr how that went. */
function start(lines: number): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [WRITER, String(lines)]);
}

test('lines reach a pipe that is read, all of them and in order', async () => {
  const child = start(20_000);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const lines = stdout.trimEnd().split('\n');
  const { dropped } = JSON.parse(stderr) as { dropped: number };
  assert.equal(lines.length + dropped, 20_000);
  const numbers = lines.map((line) => Number(line.split(' ', 1)[0]));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
  assert.ok(
    lines.every((line) => line.length > 500),
    'a line was cut',
  );
});

test('a pipe that nobody reads stops nothing: lines are dropped and counted, and the end is not held up', async () => {
  const child = start(50_000);
  const exited = once(child, 'exit');
  child.stdout.pause();
  const { dropped, turns } = JSON.parse(await text(child.stderr)) as { dropped: number; turns: number };
  assert.ok(dropped > 10_000, `${dropped} dropped`);
  assert.equal(turns, 50);
  const [code] = await exited;
  assert.equal(code, 0);
});

test('a pipe whose reader is gone stops nothing', async () => {
  const child = start(20_000);
  child.stdout.destroy();
  const { dropped } = JSON.parse(await text(child.stderr)) as { dropped: number };
  assert.ok(dropped > 0);
});

test('lines reach a file', async () => {
  const file = join(tmpdir(), `kubectl-mcp-lines-${process.pid}`);
  const fd = openSync(file, 'w');
  try {
    const lines = createLineWriter(fd);
    lines.write('a\n');
    lines.write('b\n');
    await lines.flush();
    assert.equal(readFileSync(file, 'utf8'), 'a\nb\n');
  } finally {
    closeSync(fd);
    rmSync(file);
  }
});
