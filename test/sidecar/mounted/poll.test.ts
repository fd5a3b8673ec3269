import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { watchDirectory } from '../../../sidecar/mounted/watch-directory.ts';
import { waitFor } from '../wire/wait-for.ts';
import { writeAsKubelet, writeByRename } from './write-volume.ts';

describe('without inotify', { concurrency: true }, () => {
  for (const [what, notify] of [
    ['that says nothing', () => watch(tmpdir(), { persistent: false }).unref()],
    [
      'of which the node has no instance left',
      () => {
        throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      },
    ],
  ] as const) {
    for (const [by, write] of [
      ['the kubelet', writeAsKubelet],
      ['another container', writeByRename],
    ] as const) {
      test(`${what}, a change by ${by} is found within seconds`, async () => {
        const own = mkdtempSync(join(tmpdir(), 'kubectl-mcp-polled-'));
        const found: unknown[] = [];
        write(own, { token: 'one' });
        const polled = await watchDirectory(
          own,
          (reading) =>
            void found.push('files' in reading ? reading.files.get('token')?.toString() : reading.problem),
          notify as unknown as typeof watch,
        );
        try {
          assert.deepEqual(found, ['one']);
          // Old enough for the directory's time to tell a change.
          await delay(2_500);
          write(own, { token: 'two' });
          await waitFor('the change', () => found.length === 2);
          assert.deepEqual(found[1], 'two');
        } finally {
          polled.close();
          rmSync(own, { recursive: true });
        }
      });
    }
  }
});
