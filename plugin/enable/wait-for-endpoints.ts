/** Waits until callers of repointed Services are led to the new port. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import type { Change } from './change.ts';
import { endpointsBehind } from './endpoints.ts';
import { createPatience } from './patience.ts';
import { readEndpointSlices } from './read.ts';
import type { WaitOptions } from './wait-for-pods.ts';
import { declaredPorts, type Workload } from './workload.ts';

const PERIOD_MS = 250;
/** kube-proxy gathers changes for a second (its minSyncPeriod) before it writes them; nobody can be asked when it has. */
const SETTLE_MS = 2_000;

const AWAY = 'Waiting for the API server to answer again...';

/** @throws {CliError} with what has not followed when the time is over, or the user interrupts. */
export async function waitForEndpoints(
  cluster: Cluster,
  workload: Workload,
  services: readonly Change[],
  { timeoutMs, signal, progress, nowMs }: WaitOptions,
): Promise<void> {
  const deadlineMs = nowMs() + timeoutMs;
  const declared = declaredPorts(workload.spec.template);
  const patience = createPatience(nowMs);
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  for (const change of services) {
    for (;;) {
      const slices = await patience(() => readEndpointSlices(cluster, change.after!.metadata!.name!));
      const behind = slices ? endpointsBehind(change, slices, declared) : AWAY;
      if (behind === undefined) break;
      progress.update(behind);
      if (signal.aborted || nowMs() >= deadlineMs) fail(behind);
      await pause(PERIOD_MS);
    }
  }
  const settling = `Waiting ${SETTLE_MS / 1_000} s for the kube-proxy of every node to follow...`;
  progress.update(settling);
  await pause(SETTLE_MS);
  if (signal.aborted) fail(settling);
  progress.end();

  function fail(step: string): never {
    progress.end();
    throw new CliError(`${signal.aborted ? 'interrupted' : 'timed out'}\n  ${step}`, {
      exitCode: signal.aborted ? EXIT.interrupted : EXIT.error,
    });
  }
}
