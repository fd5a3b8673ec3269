/** Names and selectors → the pods whose proxies have written the lines that are asked for. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { CONFIG_ENV } from '../../sidecar/config.ts';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { hasSidecar, selectorMatches } from '../enable/workload.ts';
import { CliError, usageError } from '../errors.ts';
import type { GlobalFlags } from '../flags.ts';
import type { Cluster } from '../kube/client.ts';
import { findWorkload } from '../kube/target.ts';
import { parseWorkloadName } from '../kube/workloads.ts';

export interface PodFlags extends GlobalFlags {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

export interface AuditedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly restarts: number;
  /** The proxy has a log. */
  readonly started: boolean;
  /** Nothing more will come. */
  readonly ended: boolean;
  /** `audit: none`, for each of its servers. */
  readonly silent: boolean;
}

interface Chosen {
  /** `deployment/x`; absent where whatever is there was asked for. */
  readonly title?: string;
  readonly pods: readonly V1Pod[];
}

/** @returns asks the cluster anew each time, for pods come and go */
export async function createPodFinder(
  cluster: Cluster,
  names: readonly string[],
  { allNamespaces = false, selector }: PodFlags,
): Promise<() => Promise<Chosen[]>> {
  const { core, namespace } = cluster;
  const list = async (labelSelector?: string): Promise<V1Pod[]> => {
    const query = labelSelector === undefined ? {} : { labelSelector };
    const found = allNamespaces
      ? await core.listPodForAllNamespaces(query)
      : await core.listNamespacedPod({ namespace, ...query });
    return found.items;
  };
  if (names.length === 0) return async () => [{ pods: await list(selector) }];
  if (selector !== undefined) throw usageError('only a selector (-l) or names are allowed');
  if (allNamespaces) throw usageError('a resource cannot be retrieved by name across all namespaces');
  const wanted = await Promise.all(
    names.map(async (each) => {
      const name = parseWorkloadName(each);
      if (name.kind === 'Pod') {
        // Says that there is none, in the words of the API server.
        await core.readNamespacedPod({ namespace, name: name.name });
        return { title: `pod/${name.name}`, isIn: (pod: V1Pod) => pod.metadata?.name === name.name };
      }
      const { kind, metadata, spec } = await findWorkload(cluster, name);
      const title = `${kind.toLowerCase()}/${metadata.name}`;
      return { title, isIn: (pod: V1Pod) => selectorMatches(spec.selector, pod.metadata?.labels) };
    }),
  );
  return async () => {
    const pods = await list();
    return wanted.map(({ title, isIn }) => ({ title, pods: pods.filter(isIn) }));
  };
}

/** Each once. */
export const auditedPods = (chosen: readonly Chosen[]): AuditedPod[] => [
  ...new Map(
    chosen
      .flatMap(({ pods }) => pods)
      .filter(hasSidecar)
      .map(factsOf)
      .map((each) => [each.uid, each]),
  ).values(),
];

/**
 * @param waits for pods that are not there yet
 * @throws {CliError} for a workload that cannot have audit lines
 */
export function checkAudited(chosen: readonly Chosen[], namespace: string, waits: boolean): void {
  for (const { title, pods } of chosen) {
    if (title === undefined || (waits && pods.length === 0)) continue;
    if (pods.length === 0)
      throw new CliError(
        `${title} in namespace ${namespace} has no pods, and logs go with them\nSee why: kubectl mcp doctor -n ${namespace}`,
      );
    const own = pods.filter(hasSidecar).map(factsOf);
    if (own.length === 0)
      throw new CliError(
        `${title} in namespace ${namespace} writes no audit lines: its pods carry no sidecar\nMake it an MCP server: kubectl mcp enable ${title} -n ${namespace}`,
      );
    if (own.every(({ silent }) => silent))
      throw new CliError(
        `${title} in namespace ${namespace} writes no audit lines: its annotation kubectl-mcp.dev/audit is "none"\nTurn them on: kubectl mcp enable ${title} --audit stdout -n ${namespace}`,
      );
    if (!waits && !own.some(({ started }) => started))
      throw new CliError(
        `${title} in namespace ${namespace} has no audit lines yet: the proxy has started in none of its pods\nSee why: kubectl mcp doctor -n ${namespace}`,
      );
  }
}

export function factsOf(pod: V1Pod): AuditedPod {
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  const status = statusOf(pod);
  const state = status?.state ?? {};
  const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return {
    namespace,
    name,
    uid,
    restarts: status?.restartCount ?? 0,
    started: Boolean(state.running ?? state.terminated) || (status?.restartCount ?? 0) > 0,
    ended: Boolean(state.terminated) && (isOver || pod.metadata?.deletionTimestamp !== undefined),
    silent: isSilent(pod),
  };
}

const statusOf = (pod: V1Pod): V1ContainerStatus | undefined =>
  pod.status?.initContainerStatuses?.find((each) => each.name === SIDECAR_CONTAINER);

/** By the configuration that the pod runs with. */
function isSilent(pod: V1Pod): boolean {
  const sidecar = pod.spec?.initContainers?.find((each) => each.name === SIDECAR_CONTAINER);
  const text = sidecar?.env?.find((each) => each.name === CONFIG_ENV)?.value;
  try {
    const { servers } = JSON.parse(text ?? '') as { servers: { audit?: string }[] };
    return servers.length > 0 && servers.every(({ audit }) => audit === 'none');
  } catch {
    return false;
  }
}
