/** Lets what is measured go before all else that the machine does, as on a node that is not overcommitted. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { CGROUP_ROOT } from '../rig/cluster/cgroups.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { ownProcesses } from '../rig/cluster/processes.ts';

const FIRST = -20;
const GROUPS = [
  { file: join('/sys/fs/cgroup/cpu', CGROUP_ROOT, 'cpu.shares'), most: '100000' },
  { file: join('/sys/fs/cgroup', CGROUP_ROOT, 'cpu.weight'), most: '10000' },
];
const MEASURED = ['kube-apiserver', 'etcd'];

/** API server, store, this program and the cluster's pods. @returns what undoes it. */
export async function takePrecedence(): Promise<() => void> {
  const daemons = (await ownProcesses(layoutOf(process.env))).filter(({ argv }) =>
    MEASURED.some((name) => argv[0] === name || argv[0]?.endsWith(`/${name}`)),
  );
  const pids = [process.pid, ...daemons.map((each) => each.pid)];
  const undo = [...pids.map(prefer), ...GROUPS.map(({ file, most }) => written(file, most))];
  return () => undo.forEach((each) => each());
}

/** Where sessions are scheduled as groups, the group's priority counts; else that of each thread. */
function prefer(pid: number): () => void {
  const before = getPriority(pid);
  const group = `/proc/${pid}/autogroup`;
  const set = (value: number): void => {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), value);
    if (existsSync(group)) writeFileSync(group, String(value));
  };
  set(FIRST);
  return () => set(before);
}

/** cgroup v1 has the one file, v2 the other. */
function written(file: string, value: string): () => void {
  try {
    const before = readFileSync(file, 'utf8').trim();
    writeFileSync(file, value);
    return () => writeFileSync(file, before);
  } catch {
    return () => undefined;
  }
}
