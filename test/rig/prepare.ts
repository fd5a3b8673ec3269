/** What the demo and the cluster's tests stand on: the cluster up, our image and those of the test servers on its node. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { INSTALL_NAMESPACE, WEBHOOK_NAME } from '../../webhook/names.ts';
import { layoutOf } from './cluster/layout.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const OUR_ARCHIVE = 'dist/kubectl-mcp.tar';
export const PLUGIN = join(ROOT, 'dist', 'bin', 'kubectl-mcp');

/** Brings up what is not up and makes what is not made, telling each step. @throws when one fails */
export function prepare(testImages: readonly string[]): void {
  node('test/rig/cluster/main.ts', 'up');
  node('manifests/image.ts');
  load(OUR_ARCHIVE);
  prepareTestImages(testImages);
  restartWebhook();
}

/** On a cluster that has the rest. */
function prepareTestImages(names: readonly string[]): void {
  node('test/images/build.ts', ...names);
  for (const name of names) load(`dist/test-images/${name}.tar`);
}

const load = (archive: string): void => node('test/rig/cluster/main.ts', 'load', archive);

/** A tag says nothing of what is behind it: a webhook that runs already would stay the old one. */
function restartWebhook(): void {
  const { kubectl, kubeconfig } = layoutOf(process.env);
  const args = [
    '--kubeconfig',
    kubeconfig,
    '-n',
    INSTALL_NAMESPACE,
    'rollout',
    'restart',
    `deployment/${WEBHOOK_NAME}`,
  ];
  spawnSync(kubectl, args, { stdio: 'ignore' });
}

function node(script: string, ...args: string[]): void {
  const { status, signal } = spawnSync(process.execPath, [script, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 2, 'inherit'],
  });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${signal ?? status}`);
}

if (import.meta.main) {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--test-images') prepareTestImages(rest);
  else prepare(process.argv.slice(2));
}
