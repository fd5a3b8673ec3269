/** NAME on the command line → the pod whose sidecar is asked, and what that sidecar was told. */
import type { V1Pod } from '@kubernetes/client-node';
import { CONFIG_ENV, parseConfig, type ServerConfig, type SidecarConfig } from '../../sidecar/config.ts';
import { PREFIX, SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { hasSidecar, isLive, selectorMatches, type Workload } from '../enable/workload.ts';
import { CliError } from '../errors.ts';
import { isSidecarReady } from '../model.ts';
import type { Cluster } from './client.ts';
import { isNotFound } from './errors.ts';
import { listPods, listWorkloads, parseWorkloadName, type WorkloadName } from './workloads.ts';

export interface Target {
  /** `deployment/x`, for messages. */
  readonly title: string;
  readonly namespace: string;
  readonly pod: string;
  /** Of the pod. */
  readonly labels: Readonly<Record<string, string>>;
  /** From the pod itself: what runs, not what the template says by now. */
  readonly server: ServerConfig;
  readonly adminPort: number;
}

export interface TargetFlags {
  /** Of several servers in one pod. */
  readonly mcpServer?: string;
}

/** @throws {CliError} that says which step of the way from NAME to a ready sidecar is missing, and the next command. */
export async function findTarget(
  cluster: Cluster,
  argument: string,
  { mcpServer }: TargetFlags = {},
): Promise<Target> {
  const wanted = parseWorkloadName(argument);
  const { title, pods } = await podsOf(cluster, wanted);
  const injected = pods.filter((each) => isLive(each) && hasSidecar(each));
  const pod = injected.find(isSidecarReady);
  if (pod) {
    const { servers, adminPort } = configOf(pod, title);
    return {
      title: mcpServer === undefined ? title : `${title} --mcp-server ${mcpServer}`,
      namespace: cluster.namespace,
      pod: pod.metadata!.name!,
      labels: pod.metadata!.labels ?? {},
      server: chosenServer(servers, title, mcpServer),
      adminPort,
    };
  }
  if (injected[0]) {
    throw new CliError(
      `${title} in namespace ${cluster.namespace}: the sidecar of pod/${injected[0].metadata?.name} is not ready\nSee why: kubectl mcp doctor -n ${cluster.namespace}`,
    );
  }
  const annotated = pods.some((each) => each.metadata?.annotations?.[`${PREFIX}inject`] === 'true');
  throw new CliError(
    pods.length === 0
      ? `${title} in namespace ${cluster.namespace} has no running pod\nSee why: kubectl mcp doctor -n ${cluster.namespace}`
      : annotated
        ? `${title} in namespace ${cluster.namespace}: its pods are annotated but carry no sidecar\nSee why: kubectl mcp doctor -n ${cluster.namespace}`
        : `${title} in namespace ${cluster.namespace} is not an MCP server yet: its pods carry no sidecar\nMake it one: kubectl mcp enable ${title} -n ${cluster.namespace}`,
  );
}

async function podsOf(cluster: Cluster, wanted: WorkloadName): Promise<{ title: string; pods: V1Pod[] }> {
  const { namespace } = cluster;
  if (wanted.kind === 'Pod') {
    return {
      title: `pod/${wanted.name}`,
      pods: [await cluster.core.readNamespacedPod({ namespace, name: wanted.name })],
    };
  }
  const workload = await findWorkload(cluster, wanted);
  const pods = await listPods(cluster, namespace);
  return {
    title: `${workload.kind.toLowerCase()}/${workload.metadata.name}`,
    pods: pods.filter((pod) => selectorMatches(workload.spec.selector, pod.metadata?.labels)),
  };
}

/** @throws {CliError} where there is none, or several of the name. */
export async function findWorkload(cluster: Cluster, { kind, name }: WorkloadName): Promise<Workload> {
  if (kind === 'Deployment') return named(await readAs(cluster, 'Deployment', name), 'Deployment');
  if (kind === 'StatefulSet') return named(await readAs(cluster, 'StatefulSet', name), 'StatefulSet');
  if (kind === 'DaemonSet') return named(await readAs(cluster, 'DaemonSet', name), 'DaemonSet');
  const found = (await listWorkloads(cluster, { namespace: cluster.namespace })).filter(
    (each) => each.metadata.name === name,
  );
  if (found.length > 1) {
    const titles = found.map((each) => `${each.kind.toLowerCase()}/${name}`).join(', ');
    throw new CliError(`"${name}" is ambiguous in namespace ${cluster.namespace}: say one of ${titles}`);
  }
  if (!found[0]) {
    throw new CliError(
      `no deployment, statefulset or daemonset "${name}" in namespace ${cluster.namespace}\nSee what is there: kubectl mcp list -n ${cluster.namespace}`,
    );
  }
  return found[0];
}

async function readAs({ apps, namespace }: Cluster, kind: Workload['kind'], name: string): Promise<unknown> {
  try {
    if (kind === 'Deployment') return await apps.readNamespacedDeployment({ namespace, name });
    if (kind === 'StatefulSet') return await apps.readNamespacedStatefulSet({ namespace, name });
    return await apps.readNamespacedDaemonSet({ namespace, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new CliError(
      `Error from server (NotFound): ${kind.toLowerCase()}s.apps "${name}" not found in namespace ${namespace}\nSee what is there: kubectl mcp list -n ${namespace}`,
      { bare: true, cause: error },
    );
  }
}

const named = (object: unknown, kind: Workload['kind']): Workload => ({
  ...(object as Workload),
  apiVersion: 'apps/v1',
  kind,
});

/** By the names that annotations give them: the sidecar calls each WORKLOAD/NAME. */
function chosenServer(
  servers: readonly ServerConfig[],
  title: string,
  wanted: string | undefined,
): ServerConfig {
  const names = servers.map(({ name }) => name.split('/')[1]);
  const listed = 'See what is there: kubectl mcp list';
  if (wanted !== undefined) {
    const found = servers[names.indexOf(wanted)];
    if (found) return found;
    throw new CliError(
      `${title} has no server "${wanted}"${names[0] === undefined ? ', but one without a name' : `; it has: ${names.join(', ')}`}\n${listed}`,
    );
  }
  if (servers[0] && servers.length === 1) return servers[0];
  throw new CliError(`${title} has several servers: ${names.join(', ')}\nChoose one: --mcp-server NAME`);
}

function configOf(pod: V1Pod, title: string): SidecarConfig {
  const sidecar = pod.spec?.initContainers?.find((each) => each.name === SIDECAR_CONTAINER);
  try {
    return parseConfig(sidecar?.env?.find((each) => each.name === CONFIG_ENV)?.value);
  } catch (error) {
    throw new CliError(
      `${title}: the sidecar of pod/${pod.metadata?.name} was configured by another version: ${(error as Error).message}\nRestart its pods: kubectl rollout restart ${title} -n ${pod.metadata?.namespace}`,
      { cause: error },
    );
  }
}
