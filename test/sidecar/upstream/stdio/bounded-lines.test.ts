import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { readLines } from '../../../../sidecar/upstream/stdio/pipes/bounded-lines.ts';

const KIBIBYTE = 1024;

test('a flood in small pieces is read no faster than one in large ones', async (t) => {
  const stream = new PassThrough();
  t.after(() => void stream.destroy());
  let taken = 0;
  readLines(stream as unknown as Socket, (line) => (taken += line.length + 1));
  const piece = Buffer.from(`${'x'.repeat(KIBIBYTE - 1)}\n`.repeat(16));
  const begun = performance.now();
  for (let pieces = 0; pieces < 200; pieces++) {
    stream.write(piece);
    await turn();
  }
  const turns = Math.ceil((performance.now() - begun) / 100) + 1;
  assert.ok(taken >= 16 * KIBIBYTE && taken <= turns * 96 * KIBIBYTE, `${taken} in ${turns} turns`);
});
