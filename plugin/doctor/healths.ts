/** Asks each running proxy how it is, through a port-forward: it tells details to the loopback alone. */
import type { V1Pod } from '@kubernetes/client-node';
import { type Flagged, flaggedIn } from '../../sidecar/filter/hidden-characters.ts';
import type { ServerDefinitions } from '../../sidecar/pins/read-definitions.ts';
import { hasSidecar, isLive, ownPort } from '../enable/workload.ts';
import type { Cluster } from '../kube/client.ts';
import { mapBounded } from '../kube/health.ts';
import { forwardPort } from '../kube/port-forward.ts';
import { podKey, sidecarStatus } from './served.ts';
import type { Health, PodHealth, Read, Values } from './snapshot.ts';

const AT_ONCE = 8;
const ANSWER_TIMEOUT_MS = 5_000;

/** Pods that could not be asked before the time was over are left out. */
export async function readHealths(
  cluster: Cluster,
  pods: readonly V1Pod[],
  signal: AbortSignal,
): Promise<Read<Values['health']>> {
  const running = pods.filter((pod) => isLive(pod) && hasSidecar(pod) && sidecarStatus(pod)?.started);
  let forbidden: string | undefined;
  const owners = new Set<string>();
  const answers = await mapBounded(running, AT_ONCE, async (pod) => {
    if (signal.aborted || forbidden !== undefined) return undefined;
    const owner = pod.metadata?.ownerReferences?.[0]?.uid ?? podKey(pod);
    const isFirst = !owners.has(owner);
    owners.add(owner);
    const answer = await ask(cluster, pod, { signal, isFirst });
    if ('fault' in answer && /\b403\b/.test(answer.fault)) {
      forbidden = `no permission to create pods/portforward in namespace ${pod.metadata?.namespace}`;
    }
    return signal.aborted ? undefined : answer;
  });
  if (forbidden !== undefined) return { unknown: forbidden };
  return {
    value: Object.fromEntries(
      running.flatMap((pod, index) => (answers[index] ? [[podKey(pod), answers[index]]] : [])),
    ),
  };
}

async function ask(
  cluster: Cluster,
  pod: V1Pod,
  { signal, isFirst }: { signal: AbortSignal; isFirst: boolean },
): Promise<PodHealth> {
  const port = ownPort(pod, 'admin-port');
  const { namespace, name } = pod.metadata!;
  const forward = await forwardPort(cluster, { namespace: namespace!, pod: name!, port });
  try {
    const get = (path: string): Promise<Response> =>
      fetch(`${forward.origin}${path}`, {
        headers: { connection: 'close' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
    const health = (await (await get('/health')).json()) as Health;
    if (!Array.isArray(health.servers)) return { fault: `port ${port} answers without details` };
    const flagged = isFirst ? await get('/definitions').then(flaggedOf, nothing) : undefined;
    return { health, ...(flagged && { flagged }) };
  } catch (error) {
    const late = (error as Error).name === 'TimeoutError';
    const fault = forward.lastError() ?? (late ? `no answer in ${ANSWER_TIMEOUT_MS / 1000} s` : error);
    return { fault: `port ${port}: ${fault instanceof Error ? fault.message : String(fault)}` };
  } finally {
    await forward.close();
  }
}

/** Nothing of a proxy of an earlier version, and of servers that are away. */
async function flaggedOf(response: Response): Promise<Flagged[] | undefined> {
  if (!response.ok) return undefined;
  const { servers } = (await response.json()) as { servers: ServerDefinitions[] };
  return servers.flatMap(({ tools = [] }) => flaggedIn(tools));
}

function nothing(): undefined {}
