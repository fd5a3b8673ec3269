import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { TARGETS } from './targets/targets.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(import.meta.dirname, 'planted');
const patches = readdirSync(FOLDER).toSorted();

describe('planted bugs, which test/fuzz/planted.ts has the fuzzer find', () => {
  for (const file of patches)
    test(`${file} can be planted`, () => {
      const { status, stderr } = spawnSync('git', ['apply', '--check', '-C1', join(FOLDER, file)], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      assert.equal(status, 0, `plant the bug again in the code as it is now: ${stderr}`);
    });

  test('the copy that one is planted in has all that the fuzzer needs', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'test/fuzz/planted.ts'), '--only', '05-line-end-at-border', '--seconds', '30'],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /05-line-end-at-border \| sse \| after /);
  });

  test('there are ten at least, and some for every target', () => {
    const planted = patches.map(
      (file) => /^Target: (\S+)$/m.exec(readFileSync(join(FOLDER, file), 'utf8'))?.[1],
    );
    assert.ok(patches.length >= 10);
    assert.deepEqual(new Set(planted), new Set(TARGETS.map(({ name }) => name)));
  });
});
