/** Finds annotated workloads, and the pods and Services around them. Nothing is kept: the cluster is the source. */
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { CliError } from '../errors.ts';
import { type Workload, type WorkloadKind, WORKLOAD_KINDS } from '../enable/workload.ts';
import type { Cluster } from './client.ts';

export interface WorkloadName {
  /** Absent: whichever of the kinds has it. */
  readonly kind?: WorkloadKind | 'Pod';
  readonly name: string;
}

const SHORT_NAMES: Record<string, WorkloadKind | 'Pod'> = {
  deploy: 'Deployment',
  sts: 'StatefulSet',
  ds: 'DaemonSet',
  po: 'Pod',
};

/** `x`, `deploy/x`, `deployments.apps/x`, `sts/x`, `pod/x`. */
export function parseWorkloadName(argument: string): WorkloadName {
  const parts = argument.split('/');
  if (parts.length === 1 && parts[0] !== '') return { name: argument };
  const [type = '', name = ''] = parts;
  if (parts.length !== 2 || name === '' || type === '') {
    throw new CliError(
      `arguments in resource/name form must have a single resource and name, got "${argument}"`,
    );
  }
  const plain = type.toLowerCase().replace(/\.apps$/, '');
  const kind =
    SHORT_NAMES[plain] ??
    [...WORKLOAD_KINDS, 'Pod' as const].find((each) =>
      [each, `${each}s`].some((one) => one.toLowerCase() === plain),
    );
  if (!kind)
    throw new CliError(
      `the server doesn't have an MCP server of type "${type}": use deployment, statefulset, daemonset or pod`,
    );
  return { kind, name };
}

export interface Scope {
  /** Undefined: all of them. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

/** Every Deployment, StatefulSet and DaemonSet of the scope, annotated or not. */
export async function listWorkloads(
  { apps }: Cluster,
  { namespace, labelSelector }: Scope,
): Promise<Workload[]> {
  const query = labelSelector ? { labelSelector } : {};
  const [deployments, statefulSets, daemonSets] = await Promise.all(
    namespace === undefined
      ? [
          apps.listDeploymentForAllNamespaces(query),
          apps.listStatefulSetForAllNamespaces(query),
          apps.listDaemonSetForAllNamespaces(query),
        ]
      : [
          apps.listNamespacedDeployment({ namespace, ...query }),
          apps.listNamespacedStatefulSet({ namespace, ...query }),
          apps.listNamespacedDaemonSet({ namespace, ...query }),
        ],
  );
  return [
    ...deployments!.items.map((each) => typed(each, 'Deployment')),
    ...statefulSets!.items.map((each) => typed(each, 'StatefulSet')),
    ...daemonSets!.items.map((each) => typed(each, 'DaemonSet')),
  ];
}

// Items of a list come without kind and apiVersion.
const typed = (item: unknown, kind: WorkloadKind): Workload => ({
  ...(item as Workload),
  apiVersion: 'apps/v1',
  kind,
});

export const listPods = async ({ core }: Cluster, namespace?: string): Promise<V1Pod[]> =>
  (await (namespace === undefined ? core.listPodForAllNamespaces() : core.listNamespacedPod({ namespace })))
    .items;

export const listServices = async ({ core }: Cluster, namespace?: string): Promise<V1Service[]> =>
  (
    await (namespace === undefined
      ? core.listServiceForAllNamespaces()
      : core.listNamespacedService({ namespace }))
  ).items;
