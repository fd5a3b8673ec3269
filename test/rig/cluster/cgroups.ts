/** The cgroup that every pod of ours lies in: how its processes are found when nothing else of the cluster is left. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from './processes.ts';
import { poll } from './progress.ts';

/** As the kubelet's `cgroupRoot` wants it; not the root itself, where another Kubernetes may have its pods. */
export const CGROUP_ROOT = '/kubectl-mcp';
const MOUNT = '/sys/fs/cgroup';
const isUnified = (): boolean => existsSync(join(MOUNT, 'cgroup.controllers'));

export async function makeCgroups(): Promise<void> {
  const hierarchies = await hierarchyRoots();
  for (const hierarchy of hierarchies) await mkdir(join(hierarchy, CGROUP_ROOT), { recursive: true });
  if (isUnified()) return delegate(MOUNT);
  // With v1 a new cpuset is empty, and an empty one takes no process.
  const cpuset = join(MOUNT, 'cpuset');
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const value = await readFile(join(cpuset, name), 'utf8').catch(() => null);
    if (value !== null) await writeFile(join(cpuset, CGROUP_ROOT, name), value.trim());
  }
}

export async function endCgroups(): Promise<void> {
  const hierarchies = await hierarchyRoots();
  const trees = await Promise.all(hierarchies.map((hierarchy) => walk(join(hierarchy, CGROUP_ROOT))));
  const groups = trees.flat().toReversed();
  await poll(async () => {
    const left = new Set((await Promise.all(groups.map(processesIn))).flat());
    for (const pid of left) kill(pid, 'SIGKILL');
    return left.size === 0;
  }, 15_000);
  for (const group of groups) await rmdir(group).catch(() => undefined);
}

/** One tree per controller with v1, one in all with v2. */
async function hierarchyRoots(): Promise<string[]> {
  if (isUnified()) return [MOUNT];
  const entries = await readdir(MOUNT, { withFileTypes: true }).catch(() => []);
  return entries.filter((each) => each.isDirectory()).map((each) => join(MOUNT, each.name));
}

/** v2 gives children only the controllers that the parent hands down. */
async function delegate(group: string): Promise<void> {
  const controllers = await readFile(join(group, 'cgroup.controllers'), 'utf8');
  for (const name of controllers.trim().split(' ')) {
    await writeFile(join(group, 'cgroup.subtree_control'), `+${name}`).catch(() => undefined);
  }
}

/** Parents before children. */
async function walk(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => null);
  if (entries === null) return [];
  const below = entries.filter((each) => each.isDirectory()).map((each) => walk(join(directory, each.name)));
  return [directory, ...(await Promise.all(below)).flat()];
}

const processesIn = async (group: string): Promise<number[]> => {
  const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
};
