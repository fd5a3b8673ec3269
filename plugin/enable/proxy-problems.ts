/** What the new proxies complain of: providers and rights that no look at objects beforehand could try. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../kube/client.ts';
import { readHealth } from '../kube/health.ts';
import { listPods } from '../kube/workloads.ts';
import { isSidecarReady, type SidecarHealth } from '../model.ts';
import { hasSidecar, isLive, ownPort, selectorMatches, type Workload } from './workload.ts';

const ANSWER_MS = 5_000;
/** What a proxy says in its first moments may be over in the next. */
const LOOKS = 3;
const BETWEEN_MS = 1_000;

/** Of one pod, for the others are given the same. Empty too where nobody may ask it. */
export async function proxyProblems(
  cluster: Cluster,
  { metadata, spec }: Workload,
): Promise<readonly string[]> {
  const namespace = metadata.namespace!;
  try {
    const pods = await listPods(cluster, namespace);
    const pod = pods.find(
      (each) =>
        selectorMatches(spec.selector, each.metadata?.labels) &&
        isLive(each) &&
        hasSidecar(each) &&
        isSidecarReady(each),
    );
    if (!pod) return [];
    const asked = { namespace, pod: pod.metadata!.name!, adminPort: ownPort(pod, 'admin-port') };
    for (let look = 1; ; look += 1) {
      const problems = problemsOf(await readHealth(cluster, asked, ANSWER_MS));
      if (problems.length === 0 || look === LOOKS) return problems;
      await delay(BETWEEN_MS);
    }
  } catch {
    return [];
  }
}

/** Of a server that is not connected, the error is about the server, which may take its time. */
export const problemsOf = (health: Pick<SidecarHealth, 'servers'> | undefined): string[] => [
  ...new Set(
    (health?.servers ?? []).flatMap(({ connected, error, problems = [] }) => [
      ...(connected && error !== undefined ? [error] : []),
      ...problems,
    ]),
  ),
];
