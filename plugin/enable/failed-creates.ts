/** What keeps a StatefulSet or DaemonSet from creating pods: they have no condition for it, only events. Pure. */
import type { CoreV1Event } from '@kubernetes/client-node';

/** Each event as it was seen. */
export type SeenEvents = ReadonlyMap<string, number>;

export const seenEvents = (events: readonly CoreV1Event[]): SeenEvents =>
  new Map(events.map((each) => [keyOf(each), timesOf(each)]));

/**
 * The words of an event that has come, or come again, since `before`: older ones tell of an earlier template. By their
 * number, for clocks differ.
 */
export const newFailure = (before: SeenEvents, events: readonly CoreV1Event[]): string | undefined =>
  events
    .filter((each) => timesOf(each) > (before.get(keyOf(each)) ?? 0))
    .findLast((each) => each.message !== undefined)?.message;

const keyOf = ({ metadata }: CoreV1Event): string => metadata.uid ?? metadata.name ?? '';

const timesOf = ({ count, series }: CoreV1Event): number => series?.count ?? count ?? 1;
