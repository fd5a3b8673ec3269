/** Whether a run has left the sidecar as it was before. */
import type { ServerStats } from './processes.ts';
import type { Sample } from './sample.ts';

/** What the sidecar counts itself. */
export interface Gauges {
  readonly calls: number;
  readonly streams: number;
  readonly clients: number;
  readonly auditDropped: number;
}

/** At rest, garbage collected: the state that two points in time are compared by. */
export interface Rest {
  readonly sample: Sample;
  readonly gauges: Gauges;
  readonly server: ServerStats;
}

export interface Finding {
  readonly title: string;
  readonly measured: string;
  readonly allowed: string;
  readonly ok: boolean;
}

/** What the collector finds live may differ by this: code that was compiled meanwhile, caches of Node's own. */
const HEAP_MB = 3;
/** The allocator keeps what it was given back; how much depends on where the last pieces lay. */
const RSS_MB = 12;
/** Of memory that grows with every session this much would be a leak that matters: 100,000 sessions, 4 MB. */
const BYTES_PER_SESSION = 40;

/** @param cachesMb what caches may have taken in between, up to their bounds */
export function compareRests(what: string, before: Rest, after: Rest, cachesMb = 0): Finding[] {
  const { calls, streams, clients, auditDropped } = after.gauges;
  const { server, sample } = after;
  const liveMb = (rest: Rest): number => rest.sample.heapMb + rest.sample.externalMb;
  const left =
    calls + streams + clients + sample.closeWait + server.calls + server.streams - before.server.streams;
  return [
    equal(`${what}: descriptors`, sample.descriptors, before.sample.descriptors),
    atMost(`${what}: live memory, grown by`, liveMb(after) - liveMb(before), HEAP_MB + cachesMb, 'MB'),
    equal(`${what}: calls, streams and half-closed connections left here and at the server`, left, 0),
    equal(`${what}: audit lines dropped`, auditDropped, 0),
  ];
}

/** The resident set: after against before, and how it grew over the second half of the sessions. */
export function judgeResident(
  before: Rest,
  after: Rest,
  samples: readonly Sample[],
  sessions: number,
): Finding[] {
  const during = samples.filter(({ phase }) => phase === 'sessions');
  const late = during.slice(Math.floor(during.length / 2));
  const perSecond = slope(late.map(({ atS, rssMb }) => [atS, rssMb]));
  const seconds = (during.at(-1)?.atS ?? 0) - (during[0]?.atS ?? 0);
  const bytesPerSession = (perSecond * seconds * 2 ** 20) / sessions;
  return [
    atMost(
      'sessions and streams: resident, grown by',
      after.sample.rssMb - before.sample.rssMb,
      RSS_MB,
      'MB',
    ),
    atMost(
      'sessions: resident, growth over the second half',
      bytesPerSession,
      BYTES_PER_SESSION,
      'bytes a session',
    ),
  ];
}

export const equal = (title: string, value: number, wanted: number): Finding => ({
  title,
  measured: String(value),
  allowed: String(wanted),
  ok: value === wanted,
});

export const atMost = (title: string, value: number, most: number, unit: string): Finding => ({
  title,
  measured: `${shown(value)} ${unit}`.trim(),
  allowed: `≤ ${shown(most)}`,
  ok: value <= most,
});

/** A figure that nothing is asked of. */
export const noted = (title: string, value: number, unit: string): Finding => ({
  title,
  measured: `${shown(value)} ${unit}`.trim(),
  allowed: '',
  ok: true,
});

/** Least squares: how much `y` grows for each unit of `x`. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (index: 0 | 1) => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let above = 0;
  let below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

const shown = (value: number): string => String(Math.round(value * 10) / 10);
