/** Inputs that are kept: `test/fuzz/corpus/TARGET/`, one per file; those of findings stay when they are mended. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const FOLDER = join(import.meta.dirname, '../corpus');

export function corpusOf(target: string): Buffer[] {
  const folder = join(FOLDER, target);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name)));
}

/** @returns the file's path from the working directory */
export function keep(target: string, input: Buffer, kind: 'found' | 'seed'): string {
  const name = `${kind}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`;
  const path = join(FOLDER, target, name);
  mkdirSync(join(FOLDER, target), { recursive: true });
  writeFileSync(path, input);
  return relative(process.cwd(), path);
}
