/** What is written from now on, by pods that come and go. */
import { setTimeout as delay } from 'node:timers/promises';
import { isForbidden } from '../kube/errors.ts';
import { LogFault } from './pod-log.ts';
import { type AuditedPod, factsOf } from './pods.ts';
import { createPodSource, type PodSource, readRun, type SourceDeps } from './pod-source.ts';
import { createWaitingRoom, type WaitingRoom } from './waiting-room.ts';
import type { Entry } from './read-line.ts';

export interface FollowDeps extends SourceDeps {
  readonly findPods: () => Promise<AuditedPod[]>;
  readonly emit: (entries: readonly Entry[]) => Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
const EMIT_EVERY_MS = 100;

/**
 * Until the signal is aborted.
 * @param known pods that were read so far, each with where to go on
 */
export async function follow(known: readonly PodSource[], deps: FollowDeps): Promise<void> {
  const room = createWaitingRoom();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const running = new Map<string, Promise<void>>();
  const start = (source: PodSource): void => {
    const run = followPod(source, deps, room.push).catch(failed.reject);
    running.set(source.pod.uid, run);
  };
  for (const source of known) start(source);
  const look = async (): Promise<void> => {
    while (!deps.signal.aborted) {
      await pause(LOOK_EVERY_MS, deps.signal);
      const pods = await deps.findPods().catch((error: unknown) => {
        if (isForbidden(error)) throw error;
        return [];
      });
      for (const pod of pods) if (pod.started && !running.has(pod.uid)) start(createPodSource(pod));
    }
  };
  const write = emitSettled(room, deps);
  await Promise.race([Promise.all([look(), write]), failed.promise]);
}

/** Until the signal is aborted. */
export async function emitSettled(
  room: WaitingRoom,
  { emit, signal }: Pick<FollowDeps, 'emit' | 'signal'>,
): Promise<void> {
  while (!signal.aborted) {
    await pause(EMIT_EVERY_MS, signal);
    const entries = room.settled(performance.now());
    if (entries.length > 0) await emit(entries);
  }
  await emit(room.settled(Infinity));
}

async function followPod(
  source: PodSource,
  deps: FollowDeps,
  push: (entries: readonly Entry[]) => Promise<void>,
): Promise<void> {
  const { pod, position } = source;
  const { cluster, signal, onFault } = deps;
  let retryMs = FIRST_RETRY_MS;
  const read = async (how: { previous?: boolean; follow?: boolean }): Promise<void> => {
    position.rewind();
    for await (const batch of readRun(source, deps, how)) {
      retryMs = FIRST_RETRY_MS;
      await push(batch);
    }
  };
  while (!signal.aborted) {
    try {
      // What the run before had written when its stream had broken already.
      const now = factsOf(await cluster.core.readNamespacedPod({ namespace: pod.namespace, name: pod.name }));
      if (now.uid !== pod.uid) return;
      if (now.restarts > source.restarts) {
        source.restarts = now.restarts;
        await read({ previous: true }).catch((error: unknown) => {
          if (!(error instanceof LogFault && error.status === 400)) throw error;
          onFault(pod, error, true);
        });
      }
      await read({ follow: true });
      if (now.ended) return;
    } catch (error) {
      if (signal.aborted || isGone(error)) return;
      if (error instanceof LogFault && error.status === 403) throw error;
    }
    await pause(retryMs, signal);
    retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
  }
}

const isGone = (error: unknown): boolean =>
  (error instanceof LogFault ? error.status : (error as { code?: unknown }).code) === 404;

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
