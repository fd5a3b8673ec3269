/** Brings the cluster up; does nothing when it is. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { installPackages, missingPackages } from '../../../manifests/packages.ts';
import { buildProgram, pathOf } from '../go-program.ts';
import { makeCgroups } from './cgroups.ts';
import { writeCertificates } from './certificates.ts';
import { components } from './components.ts';
import type { Component } from './components.ts';
import { importImage, writeContainerdConfig } from './containerd.ts';
import { serveDns, writeCorefile } from './dns.ts';
import { defaultAccountIsThere, isHealthy, nodeIsReady } from './health.ts';
import { buildKubernetes, kubernetesIsBuilt } from './kubernetes.ts';
import type { Layout } from './layout.ts';
import { raiseNetwork } from './network.ts';
import { writeNodeConfig } from './node-config.ts';
import { dataIsThere, refuseTakenPorts, whatBroke } from './obstacles.ts';
import { NODE_PACKAGES } from './packages.ts';
import { writePauseImage } from './pause.ts';
import { logTail, ownProcesses, startDaemon } from './processes.ts';
import { poll, step } from './progress.ts';
import { removeRemains, thereAreRemains } from './remains.ts';

const START_MS = 120_000;

export async function up(layout: Layout): Promise<void> {
  if (await isUp(layout)) return;
  const packages = missingPackages(NODE_PACKAGES);
  if (packages.length > 0) {
    await step(`Debian packages: ${packages.join(', ')}`, async () => installPackages(packages));
  }
  if (!kubernetesIsBuilt(layout)) {
    await step('building Kubernetes; the first time this takes minutes', () => buildKubernetes(layout));
  }
  if (!existsSync(pathOf('coredns'))) {
    await step('building CoreDNS; the first time this takes a minute', async () => buildProgram('coredns'));
  }
  if (await thereAreRemains(layout)) {
    const broken = await whatBroke(layout);
    await step(`the cluster before is broken: ${broken}; removing it`, () => removeRemains(layout));
  }
  refuseTakenPorts(layout);
  await step('network, certificates, configuration', () => prepare(layout));
  const all = components(layout);
  const [runtime, store, api, ...others] = all as [Component, Component, Component, ...Component[]];
  await step('containerd and etcd', () => start(layout, [runtime, store]));
  await step('pause image', async () => importImage(layout, writePauseImage(layout)));
  await step('kube-apiserver', () => start(layout, [api]));
  await serveDns(layout);
  await step('controllers, scheduler, kubelet, kube-proxy, CoreDNS', () => start(layout, others));
  await step('node ready', () => settle(layout));
}

export async function isUp(layout: Layout): Promise<boolean> {
  if (!dataIsThere(layout)) return false;
  const all = components(layout);
  const running = await ownProcesses(layout);
  if (!all.every((each) => running.some(({ argv }) => argv[0] === each.command[0]))) return false;
  const answers = await Promise.all([...all.map((each) => isHealthy(layout, each)), nodeIsReady(layout)]);
  return answers.every(Boolean);
}

async function prepare(layout: Layout): Promise<void> {
  for (const directory of [layout.config, layout.logs, layout.podLogs, layout.kubelet]) {
    await mkdir(directory, { recursive: true });
  }
  await Promise.all([
    writeCertificates(layout),
    writeNodeConfig(layout),
    writeContainerdConfig(layout),
    writeCorefile(layout),
    makeCgroups(),
    raiseNetwork(),
  ]);
}

async function start(layout: Layout, starting: readonly Component[]): Promise<void> {
  const started = starting.map((each) => ({ each, ended: startDaemon(layout, each.name, each.command) }));
  await Promise.all(started.map(({ each, ended }) => awaitHealth(layout, each, ended)));
}

async function awaitHealth(layout: Layout, component: Component, ended: () => boolean): Promise<void> {
  const healthy = await poll(async () => ended() || isHealthy(layout, component), START_MS);
  if (healthy && !ended()) return;
  const what = ended() ? 'ended at once' : `did not become healthy within ${START_MS / 1000} s`;
  throw new Error(`${component.name} ${what}; ${await logTail(layout, component.name)}`);
}

async function settle(layout: Layout): Promise<void> {
  if (!(await poll(() => nodeIsReady(layout), START_MS))) {
    throw new Error(`the node did not become Ready; ${await logTail(layout, 'kubelet')}`);
  }
  if (!(await poll(() => defaultAccountIsThere(layout), START_MS))) {
    const log = await logTail(layout, 'kube-controller-manager');
    throw new Error(`the default service account did not appear; ${log}`);
  }
}
