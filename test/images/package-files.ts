/** An installed npm package with everything that it needs, found as Node itself would find it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Manifest = {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
};

/** Directories below `root`, each holding one package. */
export function packageDirectories(root: string, name: string): string[] {
  const found = new Set<string>();
  const visit = (wanted: string, from: string): void => {
    const directory = resolvePackage(root, wanted, from);
    if (directory === null || found.has(directory)) return;
    found.add(directory);
    const manifest = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8')) as Manifest;
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      visit(each, directory);
    }
  };
  visit(name, '');
  if (found.size === 0) throw new Error(`${name} is not installed: npm ci`);
  return [...found].toSorted();
}

/** Null for an optional one that is not installed. */
function resolvePackage(root: string, name: string, from: string): string | null {
  const directory = join(from, 'node_modules', name);
  if (existsSync(join(root, directory, 'package.json'))) return directory;
  return from === '' ? null : resolvePackage(root, name, dirname(from) === '.' ? '' : dirname(from));
}
