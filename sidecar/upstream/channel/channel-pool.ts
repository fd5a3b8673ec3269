/**
 * Streamable HTTP in front of a server that is reached by channels: whoever speaks to the server speaks the one
 * transport, and what the server's own lacks (a session's id, which answer is whose) is made up here.
 */
import { randomUUID } from 'node:crypto';
import { text } from '../../client-message.ts';
import { members } from '../../json/members.ts';
import { guardedEvents, internal } from '../guarded-events.ts';
import type { HttpPool } from '../http-pool.ts';
import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from '../upstream-call.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { ForWhom, OpenChannel } from './channel.ts';
import { asUpstream, ChannelSession } from './channel-session.ts';

/** The one that has not been used for longest goes, unless something is under way on it. */
const MAX_SESSIONS = 256;
const SWEEP_MS = 500;
const SESSION_ID = /^mcp-session-id: (.*)\r$/im;
const JSON_HEADERS = new Map([['content-type', 'application/json']]);
const NO_HEADERS = new Map<string, string>();

export function createChannelPool(
  open: OpenChannel,
  {
    requestTimeoutMs,
    faulted = nothing,
  }: { requestTimeoutMs: number; faulted?: ((error: unknown) => void) | undefined },
): HttpPool {
  const sessions = new Map<string, ChannelSession>();
  const sweeper = setInterval(sweep, Math.min(SWEEP_MS, requestTimeoutMs / 4)).unref();

  function sweep(): void {
    const nowMs = performance.now();
    for (const session of sessions.values())
      for (const [id, waiting] of session.waiting) {
        if (waiting.request.listens) waiting.aliveMs = nowMs;
        if (nowMs - waiting.aliveMs < requestTimeoutMs) continue;
        session.waiting.delete(id);
        waiting.events.fail(new UpstreamError(`nothing came for ${requestTimeoutMs / 1000} s`, 'timeout'));
      }
  }

  function end(session: ChannelSession): void {
    sessions.delete(session.id);
    session.channel?.close();
    session.closed(new UpstreamError('the session was ended'));
  }

  async function begin(session: ChannelSession, forWhom: ForWhom): Promise<void> {
    session.channel = await open(forWhom, {
      message(data) {
        try {
          session.message(data);
        } catch (error) {
          // What the server has said cannot be given to anybody: those who wait for it wait no longer.
          faulted(error);
          sessions.delete(session.id);
          session.channel?.close();
          session.closed(internal());
        }
      },
      closed(error) {
        sessions.delete(session.id);
        session.closed(error);
      },
    });
    if (sessions.size >= MAX_SESSIONS) {
      const [oldest] = [...sessions.values()]
        .filter(({ waiting, hasListener }) => waiting.size === 0 && !hasListener)
        .toSorted((a, b) => a.usedAtMs - b.usedAtMs);
      if (oldest) end(oldest);
    }
    sessions.set(session.id, session);
  }

  function initialize(request: UpstreamRequest, events: UpstreamEvents, id: string): UpstreamCall {
    const session = new ChannelSession(randomUUID());
    let gone = false;
    begin(session, request)
      .then(
        () =>
          gone
            ? end(session)
            : void ask(session, request, {
                events,
                id,
                headers: new Map([['mcp-session-id', session.id]]),
              }),
        (error: Error) => {
          if (!gone) events.fail(asUpstream(error));
        },
      )
      .catch((error: unknown) => {
        faulted(error);
        events.fail(internal());
      });
    return {
      abort() {
        gone = true;
        if (session.waiting.delete(id)) end(session);
      },
      pause: nothing,
      resume: nothing,
    };
  }

  return {
    oneStream: true,
    send(request, taker) {
      const events = guardedEvents(taker, faulted);
      const { method, body, headerLines } = request;
      const given = SESSION_ID.exec(headerLines)?.[1];
      const session = given === undefined ? undefined : sessions.get(given);
      const top = body ? members(body) : undefined;
      const name = body && text(body, top?.get('method'));
      const idSpan = top?.get('id');
      const id = body && idSpan ? body.toString('utf8', idSpan.start, idSpan.end) : undefined;
      if (body && name === 'initialize' && id !== undefined && given === undefined)
        return initialize(request, events, id);
      if (!session)
        return given === undefined ? answer(events, 400, NO_SESSION) : answer(events, 404, UNKNOWN_SESSION);
      if (method === 'DELETE') {
        end(session);
        return answer(events, 200);
      }
      if (method === 'GET') return listen(session, events);
      if (name !== undefined && id !== undefined) return ask(session, request, { events, id });
      session.channel?.send(body ?? Buffer.alloc(0), nothing, request);
      return answer(events, 202);
    },
    close() {
      clearInterval(sweeper);
      for (const session of sessions.values()) end(session);
    },
  };
}

function ask(
  session: ChannelSession,
  request: UpstreamRequest,
  { events, id, headers }: { events: UpstreamEvents; id: string; headers?: ReadonlyMap<string, string> },
): UpstreamCall {
  const { body = Buffer.alloc(0) } = request;
  session.waiting.set(id, {
    request,
    events,
    progressToken: progressTokenIn(body),
    form: headers ? 'json' : 'sse',
    ...(headers ? { headers } : {}),
    started: false,
    aliveMs: performance.now(),
  });
  const failed = (error: Error): void => {
    if (session.waiting.delete(id)) events.fail(asUpstream(error));
  };
  session.channel?.send(body, failed, request);
  return {
    abort: () => void session.waiting.delete(id),
    pause: () => session.channel?.pause(),
    resume: () => session.channel?.resume(),
  };
}

/** The stream of what belongs to no call; a second one takes the first one's place. */
function listen(session: ChannelSession, events: UpstreamEvents): UpstreamCall {
  session.listen(events);
  setImmediate(() => session.beginListening(events));
  return {
    abort: () => session.forget(events),
    pause: () => session.channel?.pause(),
    resume: () => session.channel?.resume(),
  };
}

const NO_SESSION =
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session: initialize first"}}';
const UNKNOWN_SESSION = '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}';

/** Not before its sender has the call. */
function answer(events: UpstreamEvents, status: number, words = ''): UpstreamCall {
  let gone = false;
  setImmediate(() => {
    if (gone) return;
    const body = Buffer.from(words);
    events.head({ status, headers: body.length > 0 ? JSON_HEADERS : NO_HEADERS, contentLength: body.length });
    if (body.length > 0) events.chunk(body);
    events.end();
  });
  return { abort: () => void (gone = true), pause: nothing, resume: nothing };
}

function progressTokenIn(body: Buffer): string | undefined {
  const params = members(body).get('params');
  const meta = params && members(body, params.start).get('_meta');
  const token = meta && members(body, meta.start).get('progressToken');
  return token && body.toString('utf8', token.start, token.end);
}

function nothing(): void {}
