/** The licences of the packages whose code is in a bundle, as most of them ask. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

const LICENCE_FILE = /^(licen[cs]e|notice|copying)/i;

export function noticesOf(root: string, metafiles: readonly Metafile[]): string {
  const inputs = metafiles.flatMap(({ inputs: each }) => Object.keys(each));
  const directories = [...new Set(inputs.flatMap((path) => packageDirectory(path) ?? []))].toSorted();
  return directories.map((directory) => noticeOf(join(root, directory))).join('\n');
}

const packageDirectory = (path: string): string | undefined =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];

function noticeOf(directory: string): string {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  const files = readdirSync(directory).filter((name) => LICENCE_FILE.test(name));
  const texts = files.map((name) => readFileSync(join(directory, name), 'utf8').trim());
  const title = `${String(manifest['name'])} ${String(manifest['version'])} (${String(manifest['license'] ?? 'see below')})`;
  return [title, '='.repeat(title.length), ...texts, ''].join('\n\n');
}
