/** Takes away what the cluster left on the machine, whatever state it was left in. */
import { lstat, readdir, readFile, readlink, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { endCgroups } from './cgroups.ts';
import { accepts } from './health.ts';
import type { Layout } from './layout.ts';
import { networkIsThere, removeNetwork } from './network.ts';
import { kill, ownProcesses } from './processes.ts';
import { poll } from './progress.ts';
import { run, tryRun } from './run.ts';

/** Shared by every containerd of the machine; the names tell no owner, but a dead one refuses. */
const SHIM_SOCKETS = '/run/containerd/s';
const KUBELET_LINKS = '/var/log/containers';

export async function thereAreRemains(layout: Layout): Promise<boolean> {
  const state = await lstat(layout.state).catch(() => null);
  return state !== null || (await ownProcesses(layout)).length > 0 || (await networkIsThere());
}

/** Daemons first, or they would start anew what is being ended; then pods; then what held them. */
export async function removeRemains(layout: Layout): Promise<void> {
  await endProcesses(layout);
  await endCgroups();
  await unmountAll(layout.state);
  await removeNetwork();
  await removeLinks(layout);
  await removeShimSockets();
  await rm(layout.state, { recursive: true, force: true, maxRetries: 5 });
}

async function endProcesses(layout: Layout): Promise<void> {
  const gone = await poll(async () => {
    const left = await ownProcesses(layout);
    for (const each of left) kill(each.pid, 'SIGKILL');
    return left.length === 0;
  }, 15_000);
  if (gone) return;
  const left = (await ownProcesses(layout)).map((each) => `${each.pid} ${each.argv[0]}`);
  throw new Error(`processes of the cluster do not end: ${left.join(', ')}`);
}

/** Deepest first. A busy mount is detached: its users have been ended and only have to notice. */
async function unmountAll(directory: string): Promise<void> {
  for (const mount of await mountsUnder(directory)) {
    const unmounted = await tryRun(['umount', mount]);
    if (unmounted.code !== 0) await run(['umount', '--lazy', mount]);
  }
}

export async function mountsUnder(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  const plain = points.map((point) => point.replace(/\\040/g, ' '));
  return plain.filter((point) => point.startsWith(`${directory}/`)).toReversed();
}

/** The kubelet names each container's log here, wherever the logs themselves are. */
async function removeLinks(layout: Layout): Promise<void> {
  for (const name of await readdir(KUBELET_LINKS).catch(() => [])) {
    const link = join(KUBELET_LINKS, name);
    const target = await readlink(link).catch(() => '');
    if (target.startsWith(layout.state)) await unlink(link);
  }
}

async function removeShimSockets(): Promise<void> {
  for (const name of await readdir(SHIM_SOCKETS).catch(() => [])) {
    const socket = join(SHIM_SOCKETS, name);
    if (!(await accepts(socket))) await unlink(socket).catch(() => undefined);
  }
}
