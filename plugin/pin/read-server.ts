/** What a server has now: its tools from its proxy, whatever callers see of them, and the image that it runs. */
import type { V1Pod } from '@kubernetes/client-node';
import { type Definition, definitionOf } from '../../sidecar/pins/definition.ts';
import type { ServerDefinitions } from '../../sidecar/pins/read-definitions.ts';
import { isElsewhere } from '../../webhook/request.ts';
import { serversIn } from '../enable/workload.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { forwardPort } from '../kube/port-forward.ts';
import type { Target } from '../kube/target.ts';

export interface FoundServer {
  readonly pod: string;
  /** As the pod names it; undefined where the server runs in no pod. */
  readonly image?: string;
  /** `sha256:…`, as the node tells. */
  readonly digest?: string;
  /** As the server has them. */
  readonly tools: readonly object[];
  readonly definitions: ReadonlyMap<string, Definition | undefined>;
}

/** @throws {CliError} when the proxy or the server does not answer */
export async function readServer(cluster: Cluster, target: Target, timeoutMs: number): Promise<FoundServer> {
  const [tools, pod] = await Promise.all([
    readTools(cluster, target, timeoutMs),
    cluster.core.readNamespacedPod({ namespace: target.namespace, name: target.pod }),
  ]);
  return { pod: target.pod, ...imageOf(pod, shortName(target)), tools, definitions: byName(tools) };
}

/** Of several servers in a pod: the name that annotations give it. */
export const shortName = ({ server }: Pick<Target, 'server'>): string | undefined =>
  server.name.split('/')[1];

async function readTools(
  cluster: Cluster,
  { namespace, pod, adminPort, server, title }: Target,
  timeoutMs: number,
): Promise<object[]> {
  const forward = await forwardPort(cluster, { namespace, pod, port: adminPort });
  const failed = (why: string): CliError =>
    new CliError(
      `${title}: the tools cannot be read: ${why}\nSee why: kubectl mcp doctor ${title.split(' ')[0]} -n ${namespace}`,
    );
  try {
    const response = await fetch(`${forward.origin}/definitions`, {
      signal: AbortSignal.timeout(timeoutMs),
      headers: { connection: 'close' },
    });
    if (response.status === 404)
      throw new CliError(
        `${title}: the proxy of pod/${pod} is of an earlier version, which tells no definitions\nRenew it: kubectl mcp restart ${title.split(' ')[0]} -n ${namespace}`,
      );
    const { servers } = (await response.json()) as { servers: ServerDefinitions[] };
    const own = servers.find(({ name }) => name === server.name);
    if (!own?.tools) throw failed(own?.error ?? 'the proxy does not know the server');
    return own.tools.filter((tool): tool is object => typeof tool === 'object' && tool !== null);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw failed((forward.lastError() ?? (error as Error)).message);
  } finally {
    await forward.close();
  }
}

/** A name that is there twice has no definition that anybody can vouch for. */
function byName(tools: readonly object[]): Map<string, Definition | undefined> {
  const found = new Map<string, Definition | undefined>();
  for (const tool of tools) {
    const { name } = tool as { name?: unknown };
    if (typeof name === 'string') found.set(name, found.has(name) ? undefined : definitionOf(tool));
  }
  return found;
}

/** @param server of several in one pod */
export function imageOf(pod: V1Pod, server: string | undefined): Pick<FoundServer, 'image' | 'digest'> {
  const own = serversIn(pod).find(({ request }) => request.server?.name === server);
  if (!own || isElsewhere(own.request)) return {};
  const isOwn = ({ name }: { name: string }): boolean => name === own.target.container;
  const image = pod.spec?.containers.find(isOwn)?.image;
  // `registry/name@sha256:…`, or the digest of the image's configuration alone where it came from no registry.
  const digest = /sha256:[0-9a-f]{64}$/.exec(pod.status?.containerStatuses?.find(isOwn)?.imageID ?? '')?.[0];
  return { ...(image !== undefined && { image }), ...(digest !== undefined && { digest }) };
}
