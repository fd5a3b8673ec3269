/** CustomResourceDefinitions of operators that components of manifests/ write for, from their Go modules. */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const MODULES = {
  // The version that test/rig/cert-manager is of.
  'cert-manager': [
    'github.com/cert-manager/cert-manager@v1.21.2',
    'deploy/crds/cert-manager.io_{certificates,certificaterequests,clusterissuers,issuers}.yaml',
  ],
  prometheus: [
    'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    'example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml',
  ],
} as const;

/** @returns paths of manifests. */
export function definitionsOf(name: keyof typeof MODULES): string[] {
  const [module, pattern] = MODULES[name];
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/go/bin`, GOWORK: 'off' };
  const download = execFileSync('go', ['mod', 'download', '-json', module], { env, encoding: 'utf8' });
  const { Dir } = JSON.parse(download) as { Dir: string };
  const paths = globSync(pattern, { cwd: Dir });
  if (paths.length === 0) throw new Error(`${module} has no ${pattern}`);
  return paths.map((path) => join(Dir, path));
}

/** @returns paths of manifests. */
export const definitionsOfOthers = (): string[] =>
  (Object.keys(MODULES) as (keyof typeof MODULES)[]).flatMap(definitionsOf);
