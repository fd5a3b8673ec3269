/** What kustomize, as it is in kubectl, makes of manifests/ and its components. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { layoutOf } from './cluster/layout.ts';

const MANIFESTS = join(import.meta.dirname, '..', '..', 'manifests');

const build = (directory: string): string =>
  execFileSync(layoutOf(process.env).kubectl, ['kustomize', directory], { encoding: 'utf8' });

/** @param more of the kustomization, like `images`. */
export function kustomized(components: readonly string[] = [], more: object = {}): string {
  if (components.length === 0 && Object.keys(more).length === 0) return build(MANIFESTS);
  const directory = mkdtempSync(join(tmpdir(), 'overlay-'));
  try {
    // kustomize takes no absolute paths.
    const base = relative(directory, MANIFESTS);
    const overlay = {
      resources: [base],
      components: components.map((name) => `${base}/components/${name}`),
      ...more,
    };
    writeFileSync(join(directory, 'kustomization.yaml'), stringify(overlay));
    return build(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
