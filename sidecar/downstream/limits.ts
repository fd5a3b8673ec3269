import type { ServerConfig } from '../config.ts';
import { refuse, type Refusal } from '../reasons.ts';

/** What is under way of one kind of caller. */
export interface Load {
  calls: number;
  streams: number;
  bodyBytes: number;
}

/** What one exchange holds. */
export interface Share {
  kind: 'call' | 'stream';
  bodyBytes: number;
  /** Those that it is counted in: the server's, and its principal's once that is known. */
  server?: Load;
  principal?: Load;
}

/** The bounds of one server, within those of its pod: what is over them gets 503 and may come again. */
export interface Limits {
  readonly requestBytes: number;
  /** Counts the exchange, before anyone asks whose it is. */
  enter(share: Share): Refusal | undefined;
  /** Counts it as its principal's. */
  identify(share: Share, principal: Load): Refusal | undefined;
  /** The load of a principal, by what tells it from others. */
  loadOf(key: string): Load;
  /** It is a stream, as its message says. */
  becomeStream(share: Share): Refusal | undefined;
  /** Bytes of a body that are about to be kept until the exchange is over. */
  hold(share: Share, bytes: number): Refusal | undefined;
  leave(share: Share): void;
}

/** Bodies up to this size are bounded by the number of calls: while large ones wait for room, small calls go on. */
export const SMALL_BODY_BYTES = 16 * 1024;
const RETRY_AFTER = { 'retry-after': '1' };
/** Principals without anything under way that are kept, for their next call; then they are looked through. */
const MAX_IDLE_LOADS = 1_024;

const newLoad = (): Load => ({ calls: 0, streams: 0, bodyBytes: 0 });
const key = (kind: Share['kind']): 'calls' | 'streams' => (kind === 'stream' ? 'streams' : 'calls');

/** What the servers of one pod have together: no more than the largest of them may have alone, for memory is one. */
export interface PodLoad {
  readonly load: Load;
  connections: number;
  readonly most: { calls: number; streams: number; bodyBytes: number; connections: number };
}

export function createPodLoad(all: readonly ServerConfig['limits'][]): PodLoad {
  const largest = (value: (limits: ServerConfig['limits']) => number): number => Math.max(...all.map(value));
  const most = {
    calls: largest(({ requestsInFlight }) => requestsInFlight),
    streams: largest(({ streams }) => streams),
    bodyBytes: largest(({ requestBytesInFlight }) => requestBytesInFlight),
    connections: largest(({ connections }) => connections),
  };
  return { load: newLoad(), connections: 0, most };
}

/** @param pod where it has several servers */
export function createLimits(limits: ServerConfig['limits'], pod?: PodLoad): Limits {
  const server = newLoad();
  const loads = new Map<string, Load>();
  let maxLoads = MAX_IDLE_LOADS;
  const most = {
    pod: pod?.most ?? { calls: 0, streams: 0 },
    server: { calls: limits.requestsInFlight, streams: limits.streams },
    principal: { calls: limits.requestsInFlightPerPrincipal, streams: limits.streamsPerPrincipal },
  };
  const bodyBytes = {
    server: limits.requestBytesInFlight,
    principal: Math.max(limits.requestBytesInFlight / 4, limits.requestBytes),
  };

  function over(whose: keyof typeof most, load: Load, kind: 'calls' | 'streams'): Refusal | undefined {
    if (load[kind] < most[whose][kind]) return undefined;
    const words = `${most[whose][kind]} ${kind}${whose === 'principal' ? ' of this caller' : ''}`;
    return refuse('too-much-under-way', words, RETRY_AFTER);
  }

  return {
    requestBytes: limits.requestBytes,
    enter(share) {
      const kind = key(share.kind);
      const refusal = over('server', server, kind) ?? (pod && over('pod', pod.load, kind));
      if (refusal) return refusal;
      share.server = server;
      server[kind]++;
      if (pod) pod.load[kind]++;
      return undefined;
    },
    identify(share, principal) {
      const kind = key(share.kind);
      const refusal = over('principal', principal, kind);
      if (refusal) return refusal;
      share.principal = principal;
      principal[kind]++;
      return undefined;
    },
    loadOf(name) {
      let load = loads.get(name);
      if (load) return load;
      if (loads.size >= maxLoads) {
        for (const [each, { calls, streams }] of loads) if (calls === 0 && streams === 0) loads.delete(each);
        maxLoads = Math.max(MAX_IDLE_LOADS, loads.size * 2);
      }
      loads.set(name, (load = newLoad()));
      return load;
    },
    becomeStream(share) {
      const { server: all, principal } = share;
      const refusal =
        (all && over('server', all, 'streams')) ??
        (all && pod && over('pod', pod.load, 'streams')) ??
        (principal && over('principal', principal, 'streams'));
      if (refusal) return refusal;
      share.kind = 'stream';
      for (const load of [all, all && pod?.load, principal]) {
        if (!load) continue;
        load.calls--;
        load.streams++;
      }
      return undefined;
    },
    hold(share, bytes) {
      const { server: all, principal } = share;
      if (
        (all && all.bodyBytes + bytes > bodyBytes.server) ||
        (all && pod && pod.load.bodyBytes + bytes > pod.most.bodyBytes) ||
        (principal && principal.bodyBytes + bytes > bodyBytes.principal)
      )
        return refuse('too-much-under-way', 'bytes of request bodies', RETRY_AFTER);
      share.bodyBytes += bytes;
      if (all) all.bodyBytes += bytes;
      if (all && pod) pod.load.bodyBytes += bytes;
      if (principal) principal.bodyBytes += bytes;
      return undefined;
    },
    leave({ kind, bodyBytes: held, server: all, principal }) {
      for (const load of [all, all && pod?.load, principal]) {
        if (!load) continue;
        load[key(kind)]--;
        load.bodyBytes -= held;
      }
    },
  };
}
