/** The upstream room for a client of the era of sessions in front of a server that knows 2026-07-28 alone. */
import {
  LOG_LEVELS,
  SERVER_INFO_KEY,
  MODERN_VERSION,
  text,
  type ClientMessage,
} from '../../client-message.ts';
import type { Exchange, Reply, Transit, Upstream } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { refuse } from '../../reasons.ts';
import type { Sessions } from '../../sessions.ts';
import { reasonOf } from '../connect-mcp.ts';
import type { HttpPool } from '../http-pool.ts';
import { callersPool } from '../token/caller.ts';
import type { CatalogueTool } from '../list-tools.ts';
import { LEGACY_VERSION, LEGACY_VERSIONS, METHOD_NOT_FOUND, rpc } from '../mcp-request.ts';
import { send, sendNothing } from '../own-reply.ts';
import { refusalOf } from '../streamable-http.ts';
import { UpstreamError } from '../upstream-error.ts';
import { streamChanges } from './change-stream.ts';
import { createClientSessions, type ClientSession } from './client-sessions.ts';
import { ModernCall } from './modern-call.ts';
import { createModernTasks, tasksCapability } from './modern-tasks.ts';

export interface ModernUpstreamDeps {
  readonly pool: HttpPool;
  readonly sessions: Sessions;
  /** As the server lists it. */
  readonly toolNamed: (name: string) => CatalogueTool | undefined;
  /** Stands in front of a reply with what policy does to answers to this exchange. */
  readonly judged: (of: Exchange, reply: Reply) => Reply;
}

const NOTHING: Transit = { abort: nothing, pause: nothing, resume: nothing };
const DISCOVER_TIMEOUT_MS = 10_000;
const MAX_SUBSCRIPTIONS = 1_000;
const INVALID_PARAMS = -32602;

export function createModernUpstream({ pool, sessions, toolNamed, judged }: ModernUpstreamDeps): Upstream {
  const clients = createClientSessions();
  const tasks = createModernTasks(pool);

  async function initialize(exchange: Exchange, reply: Reply): Promise<void> {
    const message = exchange.message!;
    const raw = (key: string): string => {
      const span = message.document.params.get(key);
      return span && message.raw[span.start] === 0x7b
        ? message.raw.toString('utf8', span.start, span.end)
        : '{}';
    };
    const modern = { era: 'modern', version: MODERN_VERSION } as const;
    const found = await rpc(
      callersPool(pool, exchange),
      modern,
      'server/discover',
      {},
      { timeoutMs: DISCOVER_TIMEOUT_MS },
    );
    if (!found.result) throw new UpstreamError(`server/discover was refused: ${reasonOf(found)}`);
    const asked = text(message.raw, message.document.params.get('protocolVersion')) ?? '';
    const version = LEGACY_VERSIONS.includes(asked) ? asked : LEGACY_VERSION;
    const session = clients.open({ capabilities: raw('capabilities'), clientInfo: raw('clientInfo') });
    exchange.session = sessions.seal({
      upstreamId: session.id,
      principal: exchange.principal.digest,
      version,
      initializeParams: null,
    });
    const { capabilities, instructions, _meta: meta } = found.result;
    const { extensions, ...carried } = (capabilities ?? {}) as Record<string, unknown>;
    const known = tasksCapability(version, extensions);
    session.knowsTasks = 'tasks' in known;
    const result = {
      protocolVersion: version,
      capabilities: { ...carried, ...known },
      serverInfo: (meta as Record<string, unknown> | undefined)?.[SERVER_INFO_KEY] ?? {
        name: exchange.server.name,
        version: '',
      },
      ...(instructions === undefined ? {} : { instructions }),
    };
    answer(message, reply, { result }, { 'mcp-session-id': exchange.session.sealed });
  }

  function request(session: ClientSession, exchange: Exchange, reply: Reply): Transit {
    const message = exchange.message!;
    const aboutTask = tasks.request(session, exchange, reply);
    if (aboutTask) return aboutTask;
    switch (message.method) {
      case 'ping':
        return answer(message, reply, { result: {} });
      case 'logging/setLevel': {
        const level = text(message.raw, message.document.params.get('level')) ?? '';
        if (!LOG_LEVELS.includes(level))
          return answer(message, reply, { error: { code: INVALID_PARAMS, message: 'level is none' } });
        session.logLevel = level;
        return answer(message, reply, { result: {} });
      }
      case 'resources/subscribe':
      case 'resources/unsubscribe': {
        const uri = message.target ?? '';
        if (message.method === 'resources/unsubscribe') session.subscriptions.delete(uri);
        else if (session.subscriptions.size < MAX_SUBSCRIPTIONS) session.subscriptions.add(uri);
        session.changed?.();
        return answer(message, reply, { result: {} });
      }
      // Where there are tasks, and of those the extension has no list.
      case 'tasks/get':
      case 'tasks/list':
      case 'tasks/result':
      case 'tasks/cancel':
        return answer(message, reply, { error: { code: METHOD_NOT_FOUND, message: 'Method not found' } });
      default: {
        const mirrored =
          message.method === 'tools/call' ? toolNamed(message.target ?? '')?.mirrored : undefined;
        const face = tasks.face(session, exchange, reply);
        return new ModernCall(exchange, face.reply, {
          pool,
          session: face.session,
          mirrored: mirrored ?? [],
        });
      }
    }
  }

  /** A stream that was cut, in the name of the request that it answers. */
  function resumed(session: ClientSession, lastEventId: string, reply: Reply): Transit {
    const found = session.streams.find(lastEventId);
    if (!found) {
      setImmediate(() => reply.fail(refuse('event-unknown')));
      return NOTHING;
    }
    return found.stream.attach(found.of.message ? judged(found.of, reply) : reply, found.after);
  }

  return {
    send(exchange, reply) {
      const { head, message } = exchange;
      if (message?.method === 'initialize') {
        initialize(exchange, reply).catch((error: Error) => {
          if (!(error instanceof UpstreamError)) throw error;
          reply.fail(refusalOf(exchange, error));
        });
        return NOTHING;
      }
      const session = clients.find(exchange.session?.upstreamId ?? '');
      if (!session) {
        setImmediate(() => reply.fail(refuse('session-unknown')));
        return NOTHING;
      }
      const lastEventId = head.headers['last-event-id'];
      if (head.method === 'GET' && typeof lastEventId === 'string' && lastEventId !== '')
        return resumed(session, lastEventId, reply);
      if (head.method === 'GET') return streamChanges({ pool, session }, exchange, reply);
      if (head.method === 'DELETE' || !message) {
        if (exchange.session) sessions.forget(exchange.session);
        clients.end(session);
        pool.processes?.ended(session.id);
        sendNothing(reply, 200);
        return NOTHING;
      }
      if (message.kind === 'request') return request(session, exchange, reply);
      if (message.kind === 'notification') notified(session, message);
      else answered(session, message);
      sendNothing(reply, 202);
      return NOTHING;
    },
  };
}

function answer(
  message: ClientMessage,
  reply: Reply,
  rest: object,
  headers?: Record<string, string>,
): Transit {
  const body = JSON.stringify(rest).slice(1);
  send(
    reply,
    { status: 200, body: Buffer.from(`{"jsonrpc":"2.0","id":${message.id ?? 'null'},${body}`) },
    headers,
  );
  return NOTHING;
}

function nothing(): void {}

/** Of notifications only the cancelling of a call means something to a server without sessions. */
function notified(session: ClientSession, { raw, document, method }: ClientMessage): void {
  const id = document.params.get('requestId');
  if (method === 'notifications/cancelled' && id)
    session.calls.get(raw.toString('utf8', id.start, id.end))?.();
}

/** The client's answer to what it was asked. */
function answered(session: ClientSession, { raw, id = '' }: ClientMessage): void {
  const waiting = session.questions.get(id);
  session.questions.delete(id);
  const top = members(raw);
  const part = (key: string): string | undefined => {
    const span = top.get(key);
    return span && raw.toString('utf8', span.start, span.end);
  };
  const result = part('result');
  waiting?.(result === undefined ? { error: part('error') ?? '{}' } : { result });
}
