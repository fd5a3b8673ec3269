/** Kubernetes' programs, built from the Go module beside this directory. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { goBuild } from '../go-program.ts';
import { KUBERNETES_VERSION } from './layout.ts';
import type { Layout } from './layout.ts';

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
  const fresh = `${layout.bin}.building`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const version = `-X k8s.io/component-base/version.gitVersion=${KUBERNETES_VERSION}`;
  goBuild(MODULE, ['-ldflags', `-s -w ${version}`, '-o', `${fresh}/`, 'tool']);
  await rm(layout.bin, { recursive: true, force: true });
  await rename(fresh, layout.bin);
}
