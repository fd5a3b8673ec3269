import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { failure } from './engine/fuzz.ts';
import { TARGETS } from './targets/targets.ts';

const FOLDER = join(import.meta.dirname, 'corpus');

for (const target of TARGETS) {
  describe(`${target.name}, kept inputs`, async () => {
    const stop = await target.start?.();
    after(stop);
    for (const file of readdirSync(join(FOLDER, target.name)))
      test(`${file} holds`, async () => {
        const error = await failure(target, readFileSync(join(FOLDER, target.name, file)));
        assert.equal(error, undefined);
      });
  });
}

test('every folder of kept inputs has a target', () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((each) => each.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).toSorted(), TARGETS.map(({ name }) => name).toSorted());
});
