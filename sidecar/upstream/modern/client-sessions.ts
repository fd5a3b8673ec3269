import { randomUUID } from 'node:crypto';
import { translatedId } from '../era-choice.ts';
import { createKeptStreams, type SessionStreams } from './kept-streams.ts';
import type { ResumableStream } from './resumable-stream.ts';
import type { ClientFacts } from './to-modern-request.ts';

/** What a client of the era of sessions believes a server to keep, while the server knows no sessions. */
export interface ClientSession extends ClientFacts {
  /** In place of the server's own id. */
  readonly id: string;
  logLevel?: string;
  /** It has been told that there are tasks. */
  knowsTasks: boolean;
  readonly subscriptions: Set<string>;
  /** Questions to the client that wait for its answer, by the id that they were asked under. */
  readonly questions: Map<string, (answer: Answered) => void>;
  /** Calls by the raw JSON of their id, for the client cancels by that. */
  readonly calls: Map<string, () => void>;
  /** Which the client may ask for again. */
  readonly streams: SessionStreams;
  /** The last one that it listened on. */
  listening: ResumableStream | undefined;
  /** What the client subscribes to has changed. */
  changed: (() => void) | undefined;
  usedAtMs: number;
}

/** Raw JSON. */
export type Answered = { readonly result: string } | { readonly error: string };

export interface ClientSessions {
  open(facts: ClientFacts): ClientSession;
  find(id: string): ClientSession | undefined;
  end(session: ClientSession): void;
  /** Streams that clients may ask for again. */
  held(): { readonly streams: number; readonly bytes: number };
  size(): number;
}

/** The one that has not been used for longest goes; its client gets 404 and begins anew. */
const MAX_SESSIONS = 2_048;

export function createClientSessions(now: () => number = Date.now): ClientSessions {
  const sessions = new Map<string, ClientSession>();
  const kept = createKeptStreams();
  return {
    open(facts) {
      if (sessions.size >= MAX_SESSIONS) {
        const [oldest] = [...sessions.values()]
          .filter(({ calls, changed }) => calls.size === 0 && !changed)
          .toSorted((a, b) => a.usedAtMs - b.usedAtMs);
        if (oldest) this.end(oldest);
      }
      const session: ClientSession = {
        ...facts,
        id: translatedId(randomUUID()),
        knowsTasks: false,
        subscriptions: new Set(),
        questions: new Map(),
        calls: new Map(),
        streams: kept.ofSession(),
        listening: undefined,
        changed: undefined,
        usedAtMs: now(),
      };
      sessions.set(session.id, session);
      return session;
    },
    find(id) {
      const session = sessions.get(id);
      if (session) session.usedAtMs = now();
      return session;
    },
    end(session) {
      sessions.delete(session.id);
      for (const cancel of session.calls.values()) cancel();
      session.streams.close();
    },
    held: kept.held,
    size: () => sessions.size,
  };
}
