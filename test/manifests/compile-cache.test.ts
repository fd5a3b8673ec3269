import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { writeCompileCache } from '../../manifests/compile-cache.ts';
import { COMPILE_CACHE, firstFile } from '../../manifests/first-file.ts';
import { NODE_FLAGS } from '../../webhook/container.ts';

const ROOT = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'compile-cache-test-'));
const [one, two] = [join(directory, 'one'), join(directory, 'two/deeper')];

const cacheIn = (folder: string): string => {
  const [name = '', ...others] = globSync('*', { cwd: join(folder, COMPILE_CACHE) });
  assert.deepEqual(others, []);
  return join(folder, COMPILE_CACHE, name);
};

before(async () => {
  const built = await build({
    absWorkingDir: ROOT,
    entryPoints: ['sidecar/main.ts'],
    write: false,
    bundle: true,
    platform: 'node',
    minify: true,
  });
  const contents = built.outputFiles[0]!.contents;
  for (const folder of [one, two]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'proxy.cjs'), contents);
    writeFileSync(join(folder, 'sidecar.cjs'), firstFile(Buffer.from(contents)));
    await writeCompileCache(folder);
  }
});
after(() => rmSync(directory, { recursive: true }));

test('the same bundle gives the same bytecode, wherever it lies', () => {
  const [first, second] = [readFileSync(cacheIn(one)), readFileSync(cacheIn(two))];
  assert.ok(first.length > 100_000);
  assert.ok(first.equals(second));
});

/** Runs the first file without a configuration, and says what V8 thought of the bytecode that it was given. */
function start(folder: string, flags: readonly string[]): { taken: unknown; stderr: string } {
  const spy = join(directory, 'spy.cjs');
  writeFileSync(
    spy,
    `const vm = require('node:vm');
     vm.Script = class extends vm.Script {
       constructor(source, options) {
         super(source, options);
         console.log(JSON.stringify(options.cachedData ? !this.cachedDataRejected : 'nothing'));
       }
     };`,
  );
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, '--require', spy, join(folder, 'sidecar.cjs')],
    { encoding: 'utf8', env: {} },
  );
  return { taken: JSON.parse(stdout), stderr };
}
const NOT_SET = /^error: invalid configuration in KUBECTL_MCP_CONFIG:\n {2}the environment variable/;

test('V8 takes it with the flags of the sidecar, whatever the heap is bounded to', () => {
  for (const bound of ['--max-old-space-size=40', '--max-old-space-size=400']) {
    const { taken, stderr } = start(one, [...NODE_FLAGS, bound]);
    assert.equal(taken, true);
    assert.match(stderr, NOT_SET);
  }
});

test('the sidecar starts without it, too: with other flags, with none there, for a bundle that is not its own', () => {
  const other = start(one, ['--no-lazy']);
  assert.equal(other.taken, false);
  assert.match(other.stderr, NOT_SET);

  // As long as the one before, which is all that V8 would look at.
  const changed = join(directory, 'changed');
  mkdirSync(join(changed, COMPILE_CACHE), { recursive: true });
  writeFileSync(
    join(changed, 'proxy.cjs'),
    readFileSync(join(one, 'proxy.cjs'), 'utf8').replace('is not set', 'is not SET'),
  );
  writeFileSync(join(changed, 'sidecar.cjs'), firstFile(readFileSync(join(changed, 'proxy.cjs'))));
  writeFileSync(cacheIn(one).replace(one, changed), readFileSync(cacheIn(one)));
  const { taken, stderr } = start(changed, NODE_FLAGS);
  assert.equal(taken, 'nothing');
  assert.match(stderr, /is not SET/);
});

test('bytecode that is not whole is refused by V8, and the sidecar starts', () => {
  const whole = readFileSync(cacheIn(two));
  writeFileSync(cacheIn(two), whole.subarray(0, whole.length / 2));
  assert.equal(start(two, NODE_FLAGS).taken, false);
  writeFileSync(cacheIn(two), '');
  assert.match(start(two, NODE_FLAGS).stderr, NOT_SET);
});
