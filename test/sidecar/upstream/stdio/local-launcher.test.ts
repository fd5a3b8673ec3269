import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '../../../../sidecar/upstream/stdio/launcher.ts';
import { createLocalLauncher } from '../../../../sidecar/upstream/stdio/local-launcher.ts';

test('the end of a process is told once, also where a child of its holds the pipes open', async () => {
  const command = ['sh', '-c', 'sleep 60 & exit 3'];
  const launcher = createLocalLauncher({ command, env: { PATH: process.env['PATH'] } });
  const exits: Exit[] = [];
  const first = Promise.withResolvers<void>();
  await launcher.launch(
    { id: 'one', env: {} },
    {
      stdout: () => undefined,
      stderr: () => undefined,
      exited(exit) {
        exits.push(exit);
        first.resolve();
      },
    },
  );
  await first.promise;
  // Its child is killed then, and the pipes close.
  await sleep(200);
  assert.deepEqual(exits, [{ code: 3, stderr: [] }]);
  await launcher.close();
});
