import { text } from '../../client-message.ts';
import type { Exchange, Reply, Transit } from '../../exchange.ts';
import { members } from '../../json/members.ts';
import { declaresTasks } from '../../tasks/declares-tasks.ts';
import type { HttpPool } from '../http-pool.ts';
import { rpc } from '../mcp-request.ts';
import { messageEvent } from '../../sse.ts';
import { send, startStream } from '../own-reply.ts';
import type { LegacySession } from './legacy-sessions.ts';
import { MISSING_TASKS } from './legacy-tasks.ts';
import { ownError, withParam } from './to-modern.ts';

/** What a client may be told, the kind of it, and where the server says that it tells. */
const CHANGES = [
  { wish: 'toolsListChanged', method: 'notifications/tools/list_changed', capability: 'tools' },
  { wish: 'promptsListChanged', method: 'notifications/prompts/list_changed', capability: 'prompts' },
  { wish: 'resourcesListChanged', method: 'notifications/resources/list_changed', capability: 'resources' },
] as const;
const UPDATED = 'notifications/resources/updated';
const MAX_SUBSCRIPTIONS = 100;
const TIMEOUT_MS = 5_000;

/**
 * `subscriptions/listen` of 2026-07-28 on a session's GET stream and `resources/subscribe`. The first event says what
 * of the wishes the server can do; nothing else is ever sent.
 */
export function listenOnSession(
  { pool, session }: { pool: HttpPool; session: LegacySession },
  exchange: Exchange,
  reply: Reply,
): Transit {
  const message = exchange.message!;
  const subscriptionId = message.id ?? 'null';
  const wishes = wishesOf(exchange);
  if (wishes['taskIds'] !== undefined && !declaresTasks(message)) {
    send(reply, ownError(subscriptionId, MISSING_TASKS));
    return { abort: () => undefined, pause: () => undefined, resume: () => undefined };
  }
  const told = new Set<string>();
  const uris = new Set<string>();
  let over = false;
  session.uses++;
  session.stream.open();
  const stopListening = session.stream.listen((data) => {
    const top = members(data);
    const method = text(data, top.get('method')) ?? '';
    if (top.has('id') || over) return;
    if (method === UPDATED ? !uris.has(uriOf(data) ?? '') : !told.has(method)) return;
    reply.chunk(messageEvent(withParam(data, { subscriptionId })));
  });

  async function begin(): Promise<void> {
    await session.stream.opened;
    const honoured: Record<string, unknown> = {};
    for (const { wish, method, capability } of CHANGES) {
      if (wishes[wish] !== true || !declares(session, capability, 'listChanged')) continue;
      honoured[wish] = true;
      told.add(method);
    }
    if (declares(session, 'resources', 'subscribe'))
      for (const uri of subscriptionsOf(wishes))
        if (await subscribe('resources/subscribe', uri)) uris.add(uri);
    if (uris.size > 0) honoured['resourceSubscriptions'] = [...uris];
    if (over) return;
    startStream(reply);
    const acknowledged = {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: honoured },
    };
    reply.chunk(messageEvent(withParam(Buffer.from(JSON.stringify(acknowledged)), { subscriptionId })));
  }

  const subscribe = async (method: string, uri: string): Promise<boolean> => {
    const answer = await rpc(
      pool,
      session.dialect,
      method,
      { uri },
      { timeoutMs: TIMEOUT_MS, owner: session.owner },
    );
    return answer.result !== undefined;
  };

  void begin().catch(() => {
    if (!over) reply.end();
  });
  return {
    abort() {
      if (over) return;
      over = true;
      stopListening();
      session.uses--;
      for (const uri of uris) void subscribe('resources/unsubscribe', uri).catch(() => undefined);
    },
    pause: () => undefined,
    resume: () => undefined,
  };
}

function wishesOf({ message }: Exchange): Record<string, unknown> {
  const span = message!.document.params.get('notifications');
  const value: unknown = span && JSON.parse(message!.raw.toString('utf8', span.start, span.end));
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function subscriptionsOf(wishes: Record<string, unknown>): string[] {
  const uris = wishes['resourceSubscriptions'];
  return (Array.isArray(uris) ? (uris as unknown[]) : [])
    .filter((each) => typeof each === 'string')
    .slice(0, MAX_SUBSCRIPTIONS);
}

function uriOf(notification: Buffer): string | undefined {
  const params = members(notification).get('params');
  return params && text(notification, members(notification, params.start).get('uri'));
}

function declares({ facts }: LegacySession, capability: string, feature: string): boolean {
  const declared = facts.capabilities[capability] as Record<string, unknown> | undefined;
  return declared?.[feature] === true;
}
