/** Asks sidecars how they are, through a port-forward: details are told to loopback peers only. */
import type { Cluster } from './client.ts';
import { forwardPort } from './port-forward.ts';
import type { SidecarHealth } from '../model.ts';

export interface HealthTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly adminPort: number;
}

/** Undefined when there is no answer in time. */
export async function readHealth(
  cluster: Cluster,
  { namespace, pod, adminPort }: HealthTarget,
  timeoutMs: number,
): Promise<SidecarHealth | undefined> {
  const forward = await forwardPort(cluster, { namespace, pod, port: adminPort });
  try {
    const answer = await fetch(`${forward.origin}/health`, {
      signal: AbortSignal.timeout(timeoutMs),
      headers: { connection: 'close' },
    });
    return (await answer.json()) as SidecarHealth;
  } catch {
    return undefined;
  } finally {
    await forward.close();
  }
}

/** Runs `work` over all items, at most `limit` at once; results keep their order. */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
