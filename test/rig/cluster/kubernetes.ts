/** Kubernetes' programs, built from the Go module beside this directory. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KUBERNETES_VERSION } from './layout.ts';
import type { Layout } from './layout.ts';
import { run, tryRun } from './run.ts';

/** Go's own installer puts it where a shell without a profile does not look. */
const PATH = `PATH=${process.env['PATH'] ?? ''}:/usr/local/go/bin`;
const MODULE = join(import.meta.dirname, '..', 'kubernetes');
const PROGRAMS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-proxy',
  'kube-scheduler',
  'kubectl',
  'kubelet',
];

export const kubernetesIsBuilt = (layout: Layout): boolean =>
  PROGRAMS.every((name) => existsSync(join(layout.bin, name)));

/** Renamed into place when whole, so that an ended build is never taken for a finished one. */
export async function buildKubernetes(layout: Layout): Promise<void> {
  const go = await tryRun(['env', PATH, 'go', 'version']);
  if (go.code !== 0)
    throw new Error('go is not on PATH: the cluster is built from Go modules (Go 1.24 or newer)');
  const fresh = `${layout.bin}.building`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const version = `-X k8s.io/component-base/version.gitVersion=${KUBERNETES_VERSION}`;
  const build = ['go', 'build', '-C', MODULE, '-ldflags', `-s -w ${version}`, '-o', `${fresh}/`, 'tool'];
  await run(['env', PATH, 'CGO_ENABLED=0', 'GOFLAGS=-buildvcs=false', 'GOWORK=off', ...build]);
  await rm(layout.bin, { recursive: true, force: true });
  await rename(fresh, layout.bin);
}
