/** Waits until every pod of a workload is as its template says. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import type { Progress } from '../progress.ts';
import { readPods, readWorkload } from './read.ts';
import { lagging, rolloutState, troubles } from './rollout.ts';
import { objectName, type Workload } from './workload.ts';

export interface WaitOptions {
  /** Whether the pods must have the sidecar, or must not. */
  readonly injected: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly nowMs: () => number;
}

const PERIOD_MS = 1_000;

/** @throws {CliError} with what the pods lack when the time is over, the rollout failed, or the user interrupts. */
export async function waitForPods(cluster: Cluster, workload: Workload, options: WaitOptions): Promise<void> {
  const { injected, timeoutMs, signal, progress, nowMs } = options;
  const deadlineMs = nowMs() + timeoutMs;
  const ref = { kind: workload.kind, name: workload.metadata.name };
  const name = objectName(workload);
  for (;;) {
    const [current, pods] = await Promise.all([readWorkload(cluster, ref), readPods(cluster)]);
    const state = rolloutState(current);
    const lacking = state.done ? lagging(current, pods, injected) : undefined;
    if (state.done && !lacking) break;
    const seen = [...new Set([lacking ?? state.message, ...troubles(current, pods)])];
    progress.update(seen.join('; '));
    const stop = signal.aborted ? 'interrupted' : nowMs() >= deadlineMs && 'timed out';
    if (state.failure || stop) {
      progress.end();
      throw new CliError(
        [`${name}: ${state.failure ?? stop}`, ...seen.map((each) => `  ${each}`)].join('\n'),
        {
          exitCode: signal.aborted ? EXIT.interrupted : EXIT.error,
        },
      );
    }
    await sleep(PERIOD_MS, undefined, { signal }).catch(() => undefined);
  }
  progress.end();
}
