/** SERVER on the command line → the server as Roles name it. */
import { ACCESS_GROUP } from '../../sidecar/access/attributes.ts';
import type { InjectionRequest } from '../../webhook/request.ts';
import { serverTitle } from '../../webhook/names.ts';
import { annotationOf, isOptedIn, serversIn, type Workload } from '../enable/workload.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { findWorkload } from '../kube/target.ts';
import { listWorkloads, parseWorkloadName } from '../kube/workloads.ts';

export interface NamedServer {
  /** `deployment/x`, for messages. */
  readonly title: string;
  readonly namespace: string;
  /** `WORKLOAD`, or `WORKLOAD/NAME` of one of several in a pod. */
  readonly server: string;
  /** As its template has it. */
  readonly request: InjectionRequest;
}

export interface ServerFlags {
  /** Of several servers in one pod. */
  readonly mcpServer?: string;
}

/**
 * @param argument absent: the only enabled workload of the namespace
 * @throws {CliError} with the next command
 */
export async function findServer(
  cluster: Cluster,
  argument: string | undefined,
  { mcpServer }: ServerFlags,
): Promise<NamedServer> {
  const workload =
    argument === undefined ? await onlyWorkload(cluster) : await namedWorkload(cluster, argument);
  const { template } = workload.spec;
  const title = `${workload.kind.toLowerCase()}/${workload.metadata.name}`;
  const { namespace } = cluster;
  if (!isOptedIn(template))
    throw new CliError(
      `${title} in namespace ${namespace} is not an MCP server yet\nMake it one: kubectl mcp enable ${title} -n ${namespace} --authorization kubernetes`,
    );
  const servers = serversIn(template);
  const found =
    mcpServer === undefined ? servers : servers.filter(({ request }) => request.server?.name === mcpServer);
  if (servers.length === 0)
    throw new CliError(
      `${title} in namespace ${namespace}: its annotations are refused\nSee why: kubectl mcp doctor -n ${namespace}`,
    );
  if (found.length !== 1) {
    const names = servers.map(({ request }) => request.server?.name ?? '(no name)').join(', ');
    throw new CliError(
      mcpServer === undefined
        ? `${title} has several servers: ${names}\nChoose one: --mcp-server NAME`
        : `${title} has no server "${mcpServer}"; it has: ${names}`,
    );
  }
  const { request } = found[0]!;
  const name = annotationOf(template, 'name') ?? workload.metadata.name;
  return { title, namespace, server: serverTitle(name, request.server?.name), request };
}

function namedWorkload(cluster: Cluster, argument: string): Promise<Workload> {
  const wanted = parseWorkloadName(argument);
  if (wanted.kind === 'Pod')
    throw new CliError(`Roles name workloads, not pods: say the deployment, statefulset or daemonset`);
  return findWorkload(cluster, wanted);
}

async function onlyWorkload(cluster: Cluster): Promise<Workload> {
  const { namespace } = cluster;
  const enabled = (await listWorkloads(cluster, { namespace })).filter(({ spec }) =>
    isOptedIn(spec.template),
  );
  if (enabled.length === 1) return enabled[0]!;
  const names = enabled.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`).join(', ');
  throw new CliError(
    enabled.length === 0
      ? `there is no MCP server in namespace ${namespace}\nSee where there are: kubectl mcp list -A`
      : `namespace ${namespace} has several MCP servers: say one of ${names}`,
  );
}

/** What its proxy asks; undefined: it asks the question. */
export const notAsked = ({ title, namespace, request }: NamedServer): string | undefined =>
  request.authorization === 'kubernetes'
    ? undefined
    : `the proxy of ${title} does not ask about ${ACCESS_GROUP}: what Roles say is without effect there\nLet it: kubectl mcp enable ${title} -n ${namespace} --authorization kubernetes`;
