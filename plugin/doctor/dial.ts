/** Dials the servers' own ports from a pod that lives for that alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { type DialTarget, dialPod, dialResults, dialTargets, isFinished } from './dial-pod.ts';
import { tryRead, valueOf } from './read.ts';
import type { Read, Snapshot, Values } from './snapshot.ts';

export interface DialOptions {
  /** Where the pod runs; undefined: in each workload's own namespace. */
  readonly namespace?: string;
  readonly signal: AbortSignal;
  readonly update: (text: string) => void;
}

const PERIOD_MS = 500;
/** A pod holds two containers for each. */
const TARGETS_PER_POD = 8;

export async function dialServers(
  cluster: Cluster,
  { workloads, pods }: Pick<Snapshot, 'workloads' | 'pods'>,
  options: DialOptions,
): Promise<Read<Values['dials']>> {
  if ('unknown' in workloads) return workloads;
  if ('unknown' in pods) return pods;
  const targets = dialTargets(workloads.value, pods.value);
  if (targets.length === 0) return { unknown: 'no ready pod with a proxy could be dialled' };
  const groups = Map.groupBy(targets, ({ key }) => options.namespace ?? key.split('/')[0]!);
  const found: Values['dials'][] = [];
  for (const [namespace, all] of groups) {
    for (let start = 0; start < all.length; start += TARGETS_PER_POD) {
      const some = all.slice(start, start + TARGETS_PER_POD);
      options.update(
        `Dialling ${some.length} ${some.length === 1 ? 'server' : 'servers'} from a pod in namespace ${namespace}`,
      );
      const read = await dialFrom(cluster, namespace, some, options.signal);
      if ('unknown' in read) return read;
      found.push(read.value);
    }
  }
  return { value: Object.assign({}, ...found) as Values['dials'] };
}

/** The pod is deleted whatever happens, an interrupt included. */
async function dialFrom(
  cluster: Cluster,
  namespace: string,
  targets: readonly DialTarget[],
  signal: AbortSignal,
): Promise<Read<Values['dials']>> {
  const created = await tryRead(
    `create pods in namespace ${namespace}`,
    () => cluster.core.createNamespacedPod({ namespace, body: dialPod(targets) }),
    signal,
  );
  if ('unknown' in created) return created;
  const name = created.value.metadata!.name!;
  let pod = created.value;
  try {
    while (!isFinished(pod) && !signal.aborted) {
      await sleep(PERIOD_MS, undefined, { signal }).catch(() => undefined);
      const read = () => cluster.core.readNamespacedPod({ name, namespace });
      pod = valueOf(await tryRead(`get pods in namespace ${namespace}`, read, signal)) ?? pod;
    }
    return { value: dialResults(targets, pod) };
  } finally {
    await cluster.core
      .deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}
