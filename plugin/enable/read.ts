/** Reads what the plans look at, as plain objects: client-node's classes carry undefined fields and prototypes. */
import type {
  CoreV1Event,
  KubernetesObject,
  V1EndpointSlice,
  V1Pod,
  V1ReplicaSet,
} from '@kubernetes/client-node';
import { keysSecretName, tokensSecretName } from '../../webhook/names.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import { accessRoleName, mayHaveAccessRoles } from './access-roles.ts';
import type { Surroundings } from './plan.ts';
import type { WorkloadRef } from './target.ts';
import { annotationOf, type Workload } from './workload.ts';

export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export async function readWorkload(cluster: Cluster, { kind, name }: WorkloadRef): Promise<Workload> {
  const identity = { apiVersion: 'apps/v1', kind } as const;
  const found = await cluster.objects.read({ ...identity, metadata: { name, namespace: cluster.namespace } });
  return { ...(plain(found) as Workload), ...identity };
}

export const readPods = async (cluster: Cluster): Promise<V1Pod[]> =>
  plain((await cluster.core.listNamespacedPod({ namespace: cluster.namespace })).items);

/** Who may not look sees none: what they would tell earlier, the time-out tells. */
export const readReplicaSets = (cluster: Cluster): Promise<V1ReplicaSet[]> =>
  cluster.apps
    .listNamespacedReplicaSet({ namespace: cluster.namespace })
    .then(({ items }) => plain(items), none);

/** That its controller could not create a pod; none where the user may not look. */
export const readFailedCreates = (cluster: Cluster, { kind, metadata }: Workload): Promise<CoreV1Event[]> =>
  cluster.core
    .listNamespacedEvent({
      namespace: cluster.namespace,
      fieldSelector: `reason=FailedCreate,involvedObject.kind=${kind},involvedObject.uid=${metadata.uid}`,
    })
    .then(({ items }) => plain(items), none);

/** Those that the control plane makes for a Service; none where the user may not look. */
export const readEndpointSlices = (cluster: Cluster, service: string): Promise<V1EndpointSlice[]> =>
  cluster.discovery
    .listNamespacedEndpointSlice({
      namespace: cluster.namespace,
      labelSelector: `kubernetes.io/service-name=${service},endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io`,
    })
    .then(({ items }) => plain(items), none);

const LOG_LINES = 6;

/** The last lines of the run of a container that ended; none when they cannot be had. */
export const readLogEnd = (cluster: Cluster, { pod, container }: { pod: string; container: string }) =>
  cluster.core
    .readNamespacedPodLog({
      namespace: cluster.namespace,
      name: pod,
      container,
      previous: true,
      tailLines: LOG_LINES,
    })
    .then(
      (text) => text.split('\n').filter((line) => line.trim() !== ''),
      (): string[] => [],
    );

/** @param name the workload's name as annotated, or as it will be. */
export async function readSurroundings(cluster: Cluster, name: string): Promise<Surroundings> {
  const { namespace } = cluster;
  const [services, pods, policies, ...secrets] = await Promise.all([
    cluster.core.listNamespacedService({ namespace }),
    readPods(cluster),
    cluster.networking.listNamespacedNetworkPolicy({ namespace }),
    ...[keysSecretName(name), tokensSecretName(name)].map((each) => readSecret(cluster, each)),
  ]);
  return {
    services: typed(services.items, 'v1', 'Service'),
    pods,
    policies: typed(policies.items, 'networking.k8s.io/v1', 'NetworkPolicy'),
    secrets: typed(
      secrets.flatMap((each) => each ?? []),
      'v1',
      'Secret',
    ),
  };
}

/**
 * The Role and the binding of the name that `enable` gives; none where there can be none.
 * @param asked the flag, where it is given
 */
export async function readAccessRoles(
  cluster: Cluster,
  workload: Workload,
  { name, authorization }: { readonly name?: string; readonly authorization?: string } = {},
): Promise<KubernetesObject[]> {
  if (!mayHaveAccessRoles(workload, authorization)) return [];
  const metadata = { name: accessRoleName(nameOf(workload, name)), namespace: cluster.namespace };
  const found = await Promise.all(
    ['Role', 'RoleBinding'].map((kind) =>
      cluster.objects.read({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata }).then(
        (each) => [plain(each as KubernetesObject)],
        (error: unknown) => {
          if (isNotFound(error) || isForbidden(error)) return [];
          throw error;
        },
      ),
    ),
  );
  return found.flat();
}

export const nameOf = (workload: Workload, wanted?: string): string =>
  wanted ?? annotationOf(workload.spec.template, 'name') ?? workload.metadata.name;

/** Items of a list come without their kind. */
const typed = <T extends KubernetesObject>(items: T[], apiVersion: string, kind: string): T[] =>
  plain(items).map((each) => ({ ...each, apiVersion, kind }));

/** Who may create Secrets may often not read them: then it counts as absent, and creating it says if it is there. */
async function readSecret(cluster: Cluster, name: string) {
  try {
    return await cluster.core.readNamespacedSecret({ name, namespace: cluster.namespace });
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  }
}

function none(error: unknown): never[] {
  if (isForbidden(error)) return [];
  throw error;
}
