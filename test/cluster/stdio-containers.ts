/** Containers of a pod as the node sees them: what runs in them, and their sudden end. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { ctr } from '../rig/cluster/containerd.ts';
import { layoutOf } from '../rig/cluster/layout.ts';
import { kubectl } from './kubectl.ts';

interface Status {
  readonly name: string;
  readonly containerID: string;
  readonly restartCount: number;
}

/** Of the only pod with the label that is not ending. */
export async function podOf(namespace: string, app: string): Promise<{ name: string; containers: Status[] }> {
  const text = await kubectl(['-n', namespace, 'get', 'pods', '-l', `app=${app}`, '-o', 'json']);
  const { items } = JSON.parse(text);
  const pod = items.find(({ metadata }: Listed) => metadata.deletionTimestamp === undefined) as Listed;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  return { name: pod.metadata.name, containers: [...initContainerStatuses, ...containerStatuses] };
}

interface Listed {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { containerStatuses?: Status[]; initContainerStatuses?: Status[] };
}

export async function containerOf(namespace: string, app: string, name: string): Promise<Status> {
  const { containers } = await podOf(namespace, app);
  return containers.find((each) => each.name === name)!;
}

/** Its first process, and with that all of them; the kubelet starts it again. */
export const killContainer = async ({ containerID }: Status): Promise<void> =>
  void (await task('kill', '-s', 'SIGKILL', idOf(containerID)));

export interface Inside {
  readonly processes: number;
  readonly zombies: number;
  readonly descriptors: number;
}

export async function inside({ containerID }: Status): Promise<Inside> {
  const listed = await task('ps', idOf(containerID));
  const seen = [...listed.matchAll(/^(\d+)\s/gm)].flatMap(([, pid]) => {
    try {
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      return [{ isZombie: state === 'Z', descriptors: readdirSync(`/proc/${pid}/fd`).length }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
  return {
    processes: seen.length,
    zombies: seen.filter(({ isZombie }) => isZombie).length,
    descriptors: seen.reduce((sum, { descriptors }) => sum + descriptors, 0),
  };
}

const idOf = (containerID: string): string => containerID.replace('containerd://', '');

async function task(...args: string[]): Promise<string> {
  const [program = '', ...rest] = ctr(layoutOf(process.env));
  return (await promisify(execFile)(program, [...rest, 'tasks', ...args])).stdout;
}
