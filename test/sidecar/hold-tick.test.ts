import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const HOLD_TICK = join(import.meta.dirname, '../../sidecar/hold-tick.ts');

test('what is held has the shape of every later tick, after a full collection too', () => {
  const program = `
    const { executionAsyncResource } = require('node:async_hooks');
    import(${JSON.stringify(HOLD_TICK)}).then(async ({ heldTicks, holdTick }) => {
      holdTick();
      await new Promise((resolve) => setTimeout(resolve, 10));
      gc();
      process.nextTick((given) => {
        const [held] = heldTicks;
        console.log(given, %HaveSameMap(held, executionAsyncResource()), %HaveSameMap(held, {}));
      }, 'same');
    });`;
  const flags = ['--allow-natives-syntax', '--expose-gc', '-e', program];
  assert.equal(execFileSync(process.execPath, flags, { encoding: 'utf8' }), 'same true false\n');
});
