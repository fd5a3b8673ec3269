/** Pods at a rate, whatever the answers take: a slow API server gets no fewer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import { isInjected, podOf } from './pods.ts';

export interface Creation {
  readonly namespace: string;
  readonly annotated: boolean;
  readonly dryRun: boolean;
  readonly perSecond: number;
  readonly count: number;
  /** In turn; else the scheduler places them. */
  readonly nodes?: readonly string[];
  /** Ends it early. */
  readonly signal?: AbortSignal;
}
export interface Created {
  readonly asked: number;
  readonly injected: number;
  readonly bare: number;
  readonly failures: readonly string[];
  readonly seconds: number;
}

export async function createPods(api: ApiClient, creation: Creation): Promise<Created> {
  const { namespace, annotated, dryRun, perSecond, count, nodes = [], signal } = creation;
  const path = `/api/v1/namespaces/${namespace}/pods${dryRun ? '?dryRun=All' : ''}`;
  // The machine is small, and what is measured runs on it too.
  const bodies = (nodes.length > 0 ? nodes : [undefined]).map((node) =>
    JSON.stringify(podOf(annotated, node)),
  );
  const failures: string[] = [];
  let [injected, bare] = [0, 0];
  const one = async (index: number): Promise<void> => {
    try {
      if (isInjected(await api.ask('POST', path, bodies[index % bodies.length]))) injected++;
      else bare++;
    } catch (error) {
      failures.push(`${new Date().toISOString()} ${(error as Error).message}`);
    }
  };
  const started = performance.now();
  const under: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    if (signal?.aborted) break;
    const waitMs = started + (index * 1000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    under.push(one(index));
  }
  await Promise.all(under);
  const seconds = (performance.now() - started) / 1000;
  return { asked: under.length, injected, bare, failures, seconds };
}
