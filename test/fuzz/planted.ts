/**
 * Proof that the fuzzer finds what it looks for: each patch of `planted/` puts one bug into a copy of the sidecar, and
 * the bug's target has to find it within its budget, from a random seed and without the kept inputs.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const PATCHES = join(import.meta.dirname, 'planted');
/** What the harness needs of the checkout. */
const COPIED = [
  'package.json',
  'sidecar',
  'webhook',
  'test/bundles',
  'test/conformance/ports.ts',
  'test/fuzz',
  'test/sidecar/wire',
];

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, seconds: { type: 'string', default: '60' } },
});

interface Bug {
  readonly name: string;
  readonly target: string;
  readonly patch: string;
}

const bugs: readonly Bug[] = readdirSync(PATCHES)
  .filter((file) => file.endsWith('.patch') && file.includes(options.only))
  .toSorted()
  .map((file) => {
    const patch = join(PATCHES, file);
    const target = /^Target: (\S+)$/m.exec(readFileSync(patch, 'utf8'))?.[1];
    if (target === undefined) throw new Error(`${file} names no target ("Target: NAME")`);
    return { name: file.replace('.patch', ''), target, patch };
  });

console.log(`| planted bug | target | found | seed | input | by |\n| --- | --- | ---: | ---: | ---: | --- |`);
for (const bug of bugs) {
  const { row, found } = look(bug);
  console.log(row);
  if (!found) process.exitCode = 1;
}

function look({ name, target, patch }: Bug): { row: string; found: boolean } {
  const copy = mkdtempSync(join(tmpdir(), 'kubectl-mcp-planted-'));
  try {
    for (const path of COPIED) {
      mkdirSync(join(copy, dirname(path)), { recursive: true });
      cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const applied = spawnSync('git', ['apply', '-C1', patch], { cwd: copy, encoding: 'utf8' });
    if (applied.status !== 0) {
      console.error(`${name} does not apply any more: ${applied.stderr}`);
      return { row: `| ${name} | ${target} | DOES NOT APPLY | | | |`, found: false };
    }
    const seed = String(randomInt(2 ** 31));
    const startedAtMs = Date.now();
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['test/fuzz/run.ts', '--no-corpus', '--target', target, '--seconds', options.seconds, '--seed', seed],
      { cwd: copy, encoding: 'utf8' },
    );
    const bytes = /^input \((\d+) bytes\)/m.exec(stderr)?.[1];
    const kind = stderr
      .split('\n')
      .find((line) => line.startsWith(`${target}: `))
      ?.slice(target.length + 2);
    const found = status === 1 && bytes !== undefined;
    if (!found) console.error(`${name} was not found:\n${stdout}${stderr}`);
    const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1);
    return {
      row: `| ${name} | ${target} | ${found ? `after ${seconds} s` : 'NOT FOUND'} | ${seed} | ${bytes ?? ''} bytes | ${kind ?? ''} |`,
      found,
    };
  } finally {
    rmSync(copy, { recursive: true });
  }
}
