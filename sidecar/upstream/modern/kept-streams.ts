import type { Exchange, Reply } from '../../exchange.ts';
import { ResumableStream, type KeptStreams, type StreamEvents } from './resumable-stream.ts';

/** The streams of one session, by name. */
export interface SessionStreams {
  open(exchange: Exchange, reply: Reply, events: StreamEvents): ResumableStream;
  /** What a client asks for by the last event that it got; undefined when that is not there any more. */
  find(lastEventId: string): { stream: ResumableStream; of: Exchange; after: number } | undefined;
  close(): void;
}

/** Each holds a call or a listener at the server. */
const MAX_WAITING = 256;
const MAX_WAITING_OF_OWNER = 64;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_OF_SESSION = 64;
const PRIMED_FROM = '2025-11-25';

/** All streams of one server's clients, under one bound. */
export function createKeptStreams(): {
  ofSession(): SessionStreams;
  held(): { streams: number; bytes: number };
} {
  const all = new Set<ResumableStream>();
  const places = new WeakMap<ResumableStream, { among: Map<string, unknown>; owner: string }>();
  let bytes = 0;

  const kept: KeptStreams = {
    wait(stream) {
      // A set keeps the order in which its members came: of those that wait, that in which they began to.
      all.delete(stream);
      all.add(stream);
      const waiting = [...all].filter((each) => each.waiting);
      const owner = places.get(stream)?.owner;
      const mine = waiting.filter((each) => places.get(each)?.owner === owner);
      if (mine.length > MAX_WAITING_OF_OWNER) mine[0]?.abandon();
      else if (waiting.length > MAX_WAITING) waiting[0]?.abandon();
    },
    grown(_, more) {
      bytes += more;
      // Those that nobody waits for go first, the oldest before the others; whoever is there loses only the way back.
      if (bytes > MAX_BYTES)
        for (const each of [...all].toSorted(endedFirst)) {
          if (bytes <= MAX_BYTES) break;
          if (each.ended || each.waiting) each.abandon();
          else bytes -= each.forget();
        }
    },
    drop(stream) {
      if (!all.delete(stream)) return;
      bytes -= stream.bytes;
      places.get(stream)?.among.delete(stream.name);
      stream.close();
    },
  };

  return {
    ofSession() {
      const streams = new Map<string, { stream: ResumableStream; of: Exchange }>();
      let last = 0;
      return {
        open(exchange, reply, events) {
          const name = `s${++last}`;
          const prime = (exchange.session?.version ?? '') >= PRIMED_FROM;
          const stream = new ResumableStream(name, reply, { kept, events, prime });
          for (const [, { stream: oldest }] of streams) {
            if (streams.size < MAX_OF_SESSION) break;
            if (oldest.ended || oldest.waiting) oldest.abandon();
          }
          streams.set(name, { stream, of: exchange });
          places.set(stream, { among: streams, owner: exchange.principal.digest });
          all.add(stream);
          kept.grown(stream, stream.bytes);
          return stream;
        },
        find(lastEventId) {
          const [, name = '', number = ''] = /^(s\d{1,15})-(\d{1,15})$/.exec(lastEventId) ?? [];
          const found = streams.get(name);
          const after = Number(number);
          return found?.stream.has(after) ? { ...found, after } : undefined;
        },
        close() {
          for (const { stream } of streams.values()) stream.abandon();
        },
      };
    },
    held: () => ({ streams: all.size, bytes }),
  };
}

const endedFirst = (a: ResumableStream, b: ResumableStream): number => Number(b.ended) - Number(a.ended);
