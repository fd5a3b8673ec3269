import type { Command } from 'commander';
import type { Deps } from '../deps.ts';
import { allNamespacesFlag, type GlobalFlags, noHeadersFlag, outputFlag, selectorFlag } from '../flags.ts';
import { addCommand } from '../help.ts';
import type { Cluster } from '../kube/client.ts';
import { mapBounded, readHealth } from '../kube/health.ts';
import { isForbidden } from '../kube/errors.ts';
import { listPods, listServices, listWorkloads } from '../kube/workloads.ts';
import { isMcpServer, type McpServer, type SidecarHealth, toMcpServers, withHealthOf } from '../model.ts';
import { formatAge } from '../print/age.ts';
import { checkFormat, formatJson, formatYaml } from '../print/object.ts';
import { type Column, formatTable } from '../print/table.ts';
import { writeLine } from '../streams.ts';
import { readInstalled } from '../upgrade/installed.ts';
import { countOutdated } from '../upgrade/outdated.ts';

const FORMATS = ['json', 'yaml', 'name', 'wide'] as const;
const PROBES_AT_ONCE = 6;
const PROBE_TIMEOUT_MS = 4_000;

interface ListFlags extends GlobalFlags {
  readonly allNamespaces?: boolean;
  readonly headers: boolean;
  readonly output?: string;
  readonly probe: boolean;
  readonly selector?: string;
}

export function addList(program: Command, deps: Deps): void {
  addCommand(program, {
    usage: 'list',
    short: 'List the MCP servers of a namespace or of the cluster',
    long: `List the MCP servers of a namespace or of the cluster: Deployments, StatefulSets and DaemonSets whose pod template carries annotations of ours.

Of several servers in one pod each has a row, with its name behind that of the workload. READY counts pods whose sidecar is ready. TOOLS is asked of a running sidecar through a port-forward, "-" where none answers, and "<=13" where rules, scopes or Roles decide for each caller: none sees more. BYPASS is "yes" where a Service leads past the proxy, a pod is without it or the server's own port is left open, "no" where the server listens on the loopback alone, and "?" where only a dial can tell (see "kubectl mcp doctor --probe"). OUTDATED (-o wide) counts pods whose proxy is not the one that the webhook would make now, "?" for who may not look at the webhook (see "kubectl mcp restart").`,
    examples: `
      # List the MCP servers of the current namespace
      kubectl mcp list

      # List all of the cluster, with more columns
      kubectl mcp list -A -o wide

      # List without asking the sidecars, which needs no right to port-forward
      kubectl mcp list --probe=false`,
  })
    .alias('ls')
    .addOption(allNamespacesFlag())
    .addOption(noHeadersFlag())
    .addOption(outputFlag(FORMATS))
    .option('--no-probe', 'If true, ask the sidecars for their tools and state; otherwise TOOLS stays "-".')
    .addOption(selectorFlag())
    .action(async (_options, command: Command) => runList(command.optsWithGlobals<ListFlags>(), deps));
}

async function runList(flags: ListFlags, { streams, env, connect, nowMs }: Deps): Promise<void> {
  const format = checkFormat(flags.output, FORMATS);
  const cluster = await connect(flags, env);
  const namespace = flags.allNamespaces ? undefined : cluster.namespace;
  const found = await findServers(cluster, { namespace, labelSelector: flags.selector });
  const asks = flags.probe && format !== 'name';
  const servers = asks ? await mapBounded(found, PROBES_AT_ONCE, (each) => withHealth(cluster, each)) : found;
  if (format === 'json' || format === 'yaml') {
    const list = { items: servers };
    streams.out.write(format === 'json' ? formatJson(list) : await formatYaml(list));
  } else if (servers.length === 0) {
    writeLine(
      streams.err,
      `No resources found${namespace === undefined ? '' : ` in ${namespace} namespace.`}`,
    );
  } else if (format === 'name') {
    const names = servers.map((each) => `${each.kind.toLowerCase()}.apps/${each.name}`);
    for (const each of new Set(names)) writeLine(streams.out, each);
  } else {
    const columns = listColumns(nowMs(), { withNamespace: namespace === undefined });
    streams.out.write(formatTable(columns, servers, { wide: format === 'wide', noHeaders: !flags.headers }));
  }
}

async function findServers(
  cluster: Cluster,
  { namespace, labelSelector }: { namespace?: string | undefined; labelSelector?: string | undefined },
): Promise<McpServer[]> {
  const [workloads, pods, services, installed] = await Promise.all([
    listWorkloads(cluster, {
      ...(namespace ? { namespace } : {}),
      ...(labelSelector ? { labelSelector } : {}),
    }),
    listPods(cluster, namespace),
    listServices(cluster, namespace),
    readInstalled(cluster).catch((error: unknown) => {
      if (isForbidden(error)) return undefined;
      throw error;
    }),
  ]);
  return workloads
    .filter(isMcpServer)
    .flatMap((each) => {
      const outdatedPods = installed && countOutdated(each, pods, installed);
      const servers = toMcpServers(each, pods, services);
      return outdatedPods === undefined ? servers : servers.map((server) => ({ ...server, outdatedPods }));
    })
    .toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function withHealth(cluster: Cluster, server: McpServer): Promise<McpServer> {
  const { namespace, pod, adminPort } = server;
  const health = pod && (await readHealth(cluster, { namespace, pod, adminPort }, PROBE_TIMEOUT_MS));
  return health ? withHealthOf(server, healthOf(server, health)) : server;
}

/** Of several servers behind one sidecar, that of this one. */
function healthOf({ server, serverName }: McpServer, health: SidecarHealth): SidecarHealth {
  if (server === undefined) return health;
  const servers = health.servers.filter(({ name }) => name === serverName);
  const tools = servers.flatMap((each) => each.tools ?? []).filter(({ allowed }) => allowed).length;
  return { ...health, servers, tools };
}

/** The columns, as data. */
export function listColumns(
  nowMs: number,
  { withNamespace }: { withNamespace: boolean },
): readonly Column<McpServer>[] {
  const namespace: Column<McpServer> = { header: 'NAMESPACE', value: (server) => server.namespace };
  return [
    ...(withNamespace ? [namespace] : []),
    {
      header: 'NAME',
      value: ({ kind, name, server }) => `${kind.toLowerCase()}/${name}${server ? ` (${server})` : ''}`,
    },
    { header: 'TRANSPORT', value: ({ transport }) => transport },
    { header: 'AUTH', value: ({ auth }) => auth },
    { header: 'READY', value: ({ readyPods, desiredPods }) => `${readyPods}/${desiredPods}` },
    { header: 'TOOLS', value: toolsOf },
    { header: 'URL', value: ({ url }) => url ?? '-' },
    { header: 'AGE', value: ({ created }) => formatAge(created, nowMs) },
    { header: 'BYPASS', value: ({ bypass }) => bypass },
    { header: 'OUTDATED', wide: true, value: ({ outdatedPods }) => String(outdatedPods ?? '?') },
    { header: 'SIDECAR', wide: true, value: ({ health }) => health?.version ?? '-' },
    { header: 'AUDIENCE', wide: true, value: ({ audience }) => audience ?? '-' },
    { header: 'STATUS', wide: true, value: statusOf },
  ];
}

// Until the sidecar has reached the server it knows of no tools, which is not the same as none.
const toolsOf = ({ health }: McpServer): string => {
  if (!health?.servers.every(({ connected }) => connected)) return '-';
  const isMost = health.tools > 0 && health.servers.some((each) => each.per_caller);
  return `${isMost ? '<=' : ''}${health.tools}`;
};

const statusOf = ({ refusals, health }: McpServer): string =>
  refusals[0] ? `refused: ${refusals[0]}` : (health?.status ?? '-');
