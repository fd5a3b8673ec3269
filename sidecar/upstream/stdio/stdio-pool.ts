/** The face of streamable HTTP on processes: requests go to the process whose they are, and answers come back as theirs. */
import { MODERN_VERSION, text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { guardedEvents } from '../guarded-events.ts';
import type { HttpPool } from '../http-pool.ts';
import { OF_MODERN_CLIENTS } from '../process-rules.ts';
import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from '../upstream-call.ts';
import { JSON_HEADERS } from './calls.ts';
import { later } from './later.ts';
import type { Link } from './link.ts';
import { LinkSession } from './link-session.ts';
import type { Links } from './links.ts';
import { plain } from './plain-answer.ts';
import { answerOf, type SharedProcess } from './shared-process.ts';
import type { StdioUpstream } from './stdio-config.ts';

export interface StdioPoolDeps {
  readonly links: Links;
  readonly target: Pick<StdioUpstream, 'sessions' | 'modern' | 'idleSeconds' | 'startSeconds'>;
  /** One process for all of whom it is. */
  readonly shared: SharedProcess;
  /** The sidecar's own process; undefined while there is none. */
  readonly own: () => Link | undefined;
  /** Told of what those have thrown who take the answers: a process is others' too. */
  readonly faulted: (error: unknown) => void;
}

interface Held {
  readonly session: LinkSession;
  readonly link: Link;
  usedAtMs: number;
}

export interface StdioPool extends HttpPool {
  /** A session on this process, which nobody else has. */
  adopt(link: Link): LinkSession;
}

/** On one process; clients that end none of theirs would make it hold them for ever. */
const MAX_SESSIONS = 2_048;
const SESSION_ID = /^mcp-session-id: (.*)\r$/im;
const IS_MODERN = new RegExp(`^mcp-protocol-version: ${MODERN_VERSION}\\r$`, 'im');

interface Parsed {
  readonly name: string | undefined;
  /** Raw JSON. */
  readonly id: string | undefined;
}

export function createStdioPool({ links, target, shared, own, faulted }: StdioPoolDeps): StdioPool {
  const sessions = new Map<string, Held>();
  const isShared = target.sessions === 'shared';
  const modern = isShared ? 'shared' : (target.modern ?? 'per-principal');

  function add(link: Link, session: LinkSession): void {
    for (const [id, each] of sessions) if (each.link.over) sessions.delete(id);
    if (link.sessions.size >= MAX_SESSIONS) endUnused(link);
    link.sessions.add(session);
    sessions.set(session.id, { session, link, usedAtMs: performance.now() });
  }

  /** The one that was used longest ago: its client is told that it is unknown, and opens another. */
  function endUnused(of: Link): void {
    const [oldest] = [...sessions.values()]
      .filter(({ link, session }) => link === of && !session.hasListener)
      .filter(({ session }) => !of.calls.some((call) => call.session === session))
      .toSorted((a, b) => a.usedAtMs - b.usedAtMs);
    if (oldest) end(oldest.session.id);
  }

  function end(id: string): void {
    const found = sessions.get(id);
    if (!found) return;
    sessions.delete(id);
    const { session, link } = found;
    link.sessions.delete(session);
    session.close();
    if (link.isPrivate) link.close();
    else shared.left({ link, session });
  }

  function initialize(request: UpstreamRequest, events: UpstreamEvents, id: string): UpstreamCall {
    const body = request.body!;
    if (isShared || (modern === 'shared' && request.process === OF_MODERN_CLIENTS))
      return shared.initialize(body, events, { id, add });
    const session = new LinkSession();
    const headers = new Map([...JSON_HEADERS, ['mcp-session-id', session.id]]);
    const asking = { id, method: 'initialize', message: request.message, session, isModern: false, headers };
    const begin = (link: Link): UpstreamCall => {
      add(link, session);
      const opening = openingEvents(events, () => end(session.id));
      const call = link.ask(body, opening, asking);
      return {
        ...call,
        abort() {
          call.abort();
          opening.abandon();
        },
      };
    };
    return later(links.open({ isPrivate: true }), events, begin, closeUnused);
  }

  /** Where a request goes that names no session. */
  function linkFor({ owner, process }: UpstreamRequest): Promise<Link> {
    if (modern === 'shared') return shared.ready().then(({ link }) => link);
    const mine = owner === undefined ? own() : undefined;
    if (mine) return Promise.resolve(mine);
    if (process !== undefined) return links.named(`session ${process}`, { isPrivate: false });
    if (modern === 'per-request' || owner === undefined)
      return links.open({ isPrivate: true, isPerRequest: true });
    return links.named(`principal ${owner}`, { isPrivate: false });
  }

  function withoutSession(
    request: UpstreamRequest,
    events: UpstreamEvents,
    { name, id }: Parsed,
  ): UpstreamCall {
    const { body, message } = request;
    if (!body || !IS_MODERN.test(request.headerLines)) return plain(events, 400, NO_SESSION);
    // The revision defines no notification of a client's that would mean anything to another request.
    if (name === undefined || id === undefined) return plain(events, 202);
    return later(
      linkFor(request),
      events,
      (link) => link.ask(body, events, { id, method: name, request, message, isModern: true }),
      closeUnused,
    );
  }

  function onSession(
    request: UpstreamRequest,
    events: UpstreamEvents,
    { session, link, name, id }: Parsed & { readonly session: LinkSession; readonly link: Link },
  ): UpstreamCall {
    const { body, message } = request;
    if (request.method === 'GET')
      return session.listen(events, {
        pause: () => link.isPrivate && link.channel?.pause(),
        resume: () => link.isPrivate && link.channel?.resume(),
      });
    if (!body) return plain(events, 202);
    if (!link.isPrivate) {
      const ours = shared.result({ link, session }, { name, body });
      if (ours !== undefined)
        return id === undefined ? plain(events, 202) : plain(events, 200, answerOf(id, ours));
    }
    if (name !== undefined && id !== undefined)
      return link.ask(body, events, { id, method: name, request, message, session, isModern: false });
    if (name === 'notifications/cancelled') link.cancel(body, session);
    else if (name !== undefined) link.tell(body);
    else if (id !== undefined) link.answerQuestion(body, id, session);
    return plain(events, 202);
  }

  return {
    oneStream: true,
    processes: {
      modern,
      idleMs: target.idleSeconds * 1_000,
      startMs: target.startSeconds * 1_000,
      ended: (process) => links.end(`session ${process}`),
    },
    send(request, taker) {
      const events = guardedEvents(taker, faulted);
      const { method, body, headerLines, message } = request;
      const given = SESSION_ID.exec(headerLines)?.[1];
      const parsed = message ? { name: message.method || undefined, id: message.id } : parse(body);
      if (parsed.name === 'initialize' && parsed.id !== undefined && given === undefined)
        return initialize(request, events, parsed.id);
      if (given === undefined) return withoutSession(request, events, parsed);
      const found = sessions.get(given);
      if (!found || found.link.over) return plain(events, 404, UNKNOWN_SESSION);
      found.usedAtMs = performance.now();
      if (method === 'DELETE') {
        end(given);
        return plain(events, 200);
      }
      return onSession(request, events, { ...found, ...parsed });
    },
    adopt(link) {
      const session = new LinkSession();
      add(link, session);
      return session;
    },
    close: () => links.close(),
  };
}

/** What has opened no session has no process either. */
function openingEvents(events: UpstreamEvents, end: () => void): UpstreamEvents & { abandon(): void } {
  let isOpen = false;
  const abandon = (): void => {
    if (!isOpen) end();
  };
  return {
    head(head) {
      isOpen = head.status === 200;
      events.head(head);
    },
    chunk: (bytes) => events.chunk(bytes),
    end() {
      events.end();
      abandon();
    },
    fail(error) {
      abandon();
      events.fail(error);
    },
    abandon,
  };
}

const closeUnused = (link: Link): void => {
  if (link.isPrivate && !link.isUsed) link.close();
};

function parse(body: Buffer | undefined): Parsed {
  const top = body && members(body);
  const span = top?.get('id');
  return {
    name: body && text(body, top?.get('method')),
    id: body && span && body.toString('utf8', span.start, span.end),
  };
}

const NO_SESSION =
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session: initialize first"}}';
const UNKNOWN_SESSION = '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}';
