/** What the cluster could leave on the machine, as lines that are compared: one for each thing. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CGROUP_ROOT } from './cgroups.ts';
import type { Layout } from './layout.ts';
import { ownProcesses } from './processes.ts';
import { run, tryRun } from './run.ts';

const CGROUPS = '/sys/fs/cgroup';
/** Of kubelet, containerd and CNI plugins, where they are not told another place. */
const DIRECTORIES = [
  '/run/netns',
  '/run/containerd/s',
  '/var/log/containers',
  '/var/log/pods',
  '/var/lib/cni',
];

export async function traces(layout: Layout): Promise<string[]> {
  const links = await run(['ip', '-o', 'link', 'show']);
  const namespaces = await run(['ip', 'netns', 'list']);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const processes = await ownProcesses(layout);
  const found = [
    ...of('link', matches(links, /^\d+: ([^:@]+)/gm)),
    ...of('network namespace', matches(namespaces, /^(\S+)/gm)),
    ...of('mount', matches(mounts, /^(?:\S+ ){4}(\S+)/gm)),
    ...of(
      'process',
      processes.map(({ argv }) => argv.join(' ')),
    ),
    ...of('cgroup', await cgroups()),
  ];
  for (const family of ['iptables', 'ip6tables']) {
    const { stdout } = await tryRun([`${family}-save`]);
    // The built-in chains of a table are there once anyone has looked at it.
    found.push(...of(family, matches(stdout, /^(:\S+ -|-A .*)/gm)));
  }
  for (const each of DIRECTORIES) found.push(...of(each, await readdir(each).catch(() => [])));
  return found.toSorted();
}

const of = (kind: string, names: readonly string[]): string[] => names.map((each) => `${kind}: ${each}`);
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((each) => each[1]!);

/** One per controller with v1, one in all with v2. */
async function cgroups(): Promise<string[]> {
  const hierarchies = [
    CGROUPS,
    ...(await readdir(CGROUPS).catch(() => [])).map((each) => join(CGROUPS, each)),
  ];
  return hierarchies.map((each) => join(each, CGROUP_ROOT)).filter((each) => existsSync(each));
}
