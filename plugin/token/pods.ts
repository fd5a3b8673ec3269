/** The pods whose proxies take tokens of a Secret, and which version of it each of them has. */
import type { V1Pod } from '@kubernetes/client-node';
import { kindsOf } from '../../sidecar/auth/auth-config.ts';
import { CONFIG_ENV, parseConfig } from '../../sidecar/config.ts';
import { digestOf, revisionOf } from '../../sidecar/mounted/read-directory.ts';
import { SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { isLive } from '../enable/workload.ts';
import type { Cluster } from '../kube/client.ts';
import { mapBounded, readHealth } from '../kube/health.ts';
import { listPods } from '../kube/workloads.ts';
import { isSidecarReady } from '../model.ts';
import { contentOf, type SecretData } from './stored.ts';

export interface ProxyState {
  readonly pod: string;
  /** Of the tokens that it read last; absent where it does not tell. */
  readonly revision?: string;
  /** Why it does not tell. */
  readonly silent?: 'not-ready' | 'no-answer' | 'older' | 'ending';
  readonly version?: string;
}

interface Reader {
  readonly pod: string;
  readonly isReady: boolean;
  readonly adminPort: number;
  /** As `/health` names them. */
  readonly servers: readonly string[];
}

const AT_ONCE = 8;
const ANSWER_MS = 5_000;

/** What proxies tell once they have read these files. */
export const revisionFor = (data: SecretData): string =>
  revisionOf(
    digestOf(
      new Map(
        Object.keys(data)
          .toSorted()
          .map((name) => [name, contentOf(data[name]!)]),
      ),
    ),
  );

/** @param withEnding those too that are being deleted: the kubelet brings them no change any more (tried on Kubernetes 1.34) */
export async function proxyStates(
  cluster: Cluster,
  secret: string,
  { withEnding = false }: { withEnding?: boolean } = {},
): Promise<ProxyState[]> {
  const pods = await listPods(cluster, cluster.namespace);
  const source = `secret/${secret}`;
  const readers = pods.filter(isLive).flatMap((pod) => readerOf(pod, source));
  const ending = withEnding ? pods.filter(isEnding).flatMap((pod) => readerOf(pod, source)) : [];
  return [
    ...(await mapBounded(readers, AT_ONCE, (reader) => stateOf(cluster, reader))),
    ...ending.map(({ pod }): ProxyState => ({ pod, silent: 'ending' })),
  ];
}

/** Calls are taken until the last container is gone. */
const isEnding = ({ metadata, status }: V1Pod): boolean =>
  metadata?.deletionTimestamp !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

async function stateOf(cluster: Cluster, { pod, isReady, adminPort, servers }: Reader): Promise<ProxyState> {
  if (!isReady) return { pod, silent: 'not-ready' };
  const { namespace } = cluster;
  const health = await readHealth(cluster, { namespace, pod, adminPort }, ANSWER_MS);
  if (!health) return { pod, silent: 'no-answer' };
  const told = health.servers.filter(({ name }) => servers.includes(name)).map(({ tokens }) => tokens);
  const { version } = health;
  const [revision] = told;
  if (revision === undefined || told.includes(undefined)) return { pod, silent: 'older', version };
  // Of two servers of one Secret, each has a volume of its own.
  return { pod, version, revision: told.every((each) => each === revision) ? revision : '' };
}

/** By the configuration that the pod runs with, not by what the template says by now. */
function readerOf(pod: V1Pod, source: string): Reader[] {
  const sidecar = pod.spec?.initContainers?.find((each) => each.name === SIDECAR_CONTAINER);
  const text = sidecar?.env?.find((each) => each.name === CONFIG_ENV)?.value;
  if (text === undefined) return [];
  const name = pod.metadata!.name!;
  try {
    const { servers, adminPort } = parseConfig(text);
    const reading = servers.filter(({ auth }) =>
      kindsOf(auth).some((each) => each.mode === 'token' && each.source === source),
    );
    return reading.length === 0
      ? []
      : [{ pod: name, isReady: isSidecarReady(pod), adminPort, servers: reading.map((each) => each.name) }];
  } catch {
    // Of a newer version than this one.
    return text.includes(JSON.stringify(source))
      ? [{ pod: name, isReady: false, adminPort: 0, servers: [] }]
      : [];
  }
}
