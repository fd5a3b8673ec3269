/** The records of one pod: what is in its log by now, and what comes. */
import type { Cluster } from '../kube/client.ts';
import { LogFault, podLog } from './pod-log.ts';
import type { AuditedPod } from './pods.ts';
import { createPosition, type Position } from './position.ts';
import { type ReadOptions, readEntries } from './read-entries.ts';
import type { Entry } from './read-line.ts';

export interface SourceDeps {
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
  readonly reading: Pick<ReadOptions, 'tally' | 'wanted'>;
  readonly sinceMs: number | undefined;
  /** What could not be read; `lost` where it is the log's own loss and not a fault of reading. */
  readonly onFault: (pod: AuditedPod, error: unknown, lost?: boolean) => void;
}

export interface PodSource {
  readonly pod: AuditedPod;
  readonly position: Position;
  /** Runs of the container that were read. */
  restarts: number;
}

export const createPodSource = (pod: AuditedPod): PodSource => ({
  pod,
  position: createPosition(),
  restarts: pod.restarts,
});

/** The run before the one of now, and that. Faults are told, not thrown. */
export async function* backlogOf(source: PodSource, deps: SourceDeps): AsyncGenerator<Entry[]> {
  const { pod } = source;
  if (pod.restarts > 0) yield* quietly(readRun(source, deps, { previous: true }), source, deps, true);
  yield* quietly(readRun(source, deps, {}), source, deps, false);
}

async function* quietly(
  entries: AsyncIterable<Entry[]>,
  { pod }: PodSource,
  { onFault, signal }: SourceDeps,
  previous: boolean,
): AsyncGenerator<Entry[]> {
  try {
    yield* entries;
  } catch (error) {
    if (signal.aborted) return;
    // The node keeps the run before, unless it had to make room.
    onFault(pod, error, previous && error instanceof LogFault && error.status === 400);
  }
}

export function readRun(
  { pod, position }: PodSource,
  { cluster, signal, reading, sinceMs }: SourceDeps,
  how: { previous?: boolean; follow?: boolean },
): AsyncGenerator<Entry[]> {
  const fromMs = position.sinceMs() ?? sinceMs;
  const log = podLog(
    cluster,
    { namespace: pod.namespace, pod: pod.name, ...how, ...(fromMs === undefined ? {} : { sinceMs: fromMs }) },
    signal,
  );
  const title = `pod/${pod.name}${how.previous ? ' (its run before)' : ''}`;
  return readEntries(log, { ...reading, title, unwrap: position.take });
}
