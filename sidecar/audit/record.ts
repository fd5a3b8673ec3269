import { hash } from 'node:crypto';
import type { Exchange, Session } from '../exchange.ts';

/** Facts of the pod that every record carries. */
export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly node: string;
}

/** ToolHive's event types by method; other methods are `mcp_request`. */
const EVENT_TYPES: Readonly<Record<string, string>> = {
  initialize: 'mcp_initialize',
  'server/discover': 'mcp_discover',
  'tools/call': 'mcp_tool_call',
  'tools/list': 'mcp_tools_list',
  'resources/read': 'mcp_resource_read',
  'resources/list': 'mcp_resources_list',
  'prompts/get': 'mcp_prompt_get',
  'prompts/list': 'mcp_prompts_list',
  'subscriptions/listen': 'mcp_listen',
  'completion/complete': 'mcp_completion',
  'logging/setLevel': 'mcp_logging',
  'notifications/roots/list_changed': 'mcp_roots_list_changed',
  ping: 'mcp_ping',
};
const TARGET_TYPES: Readonly<Record<string, string>> = {
  tools: 'tool',
  resources: 'resource',
  prompts: 'prompt',
};
/** Clients choose these texts; container runtimes split lines at 16 KiB. */
const MAX_TEXT_CHARS = 512;
const cut = (text: string | undefined): string | undefined => text?.slice(0, MAX_TEXT_CHARS);

/** One line of the audit log, in ToolHive's fields, with the rule that decided and the pod that it happened in. */
export function auditRecord(
  exchange: Exchange,
  pod: PodFacts,
  at: { date: Date; durationMs: number },
): string {
  const { head, message, principal, error, session } = exchange;
  const client = clientOf(exchange);
  const logged = at.date.toISOString();
  return `${JSON.stringify({
    time: logged,
    level: 'AUDIT',
    msg: 'audit_event',
    audit_id: exchange.id,
    type: eventType(exchange),
    logged_at: logged,
    outcome: exchange.outcome,
    component: exchange.server.name,
    source: {
      type: 'network',
      value: head.remoteAddress,
      extra: {
        user_agent: cut(head.headers['user-agent']),
        request_id: cut(message?.id),
        session_id: session && sessionDigest(session),
      },
    },
    subjects: {
      user: principal.name,
      user_id: principal.digest,
      client_name: cut(client.name),
      client_version: cut(client.version),
    },
    ...(principal.actors.length > 0 ? { delegation: { chain: principal.actors } } : {}),
    target: {
      endpoint: head.path,
      method: message?.method || head.method,
      name: cut(message?.target),
      type: targetType(exchange),
    },
    metadata: {
      extra: {
        duration_ms: Math.round(at.durationMs * 1000) / 1000,
        transport: exchange.server.upstream.transport,
        http_status: exchange.status,
        issuer: principal.issuer || undefined,
        rule: exchange.rule,
        jsonrpc_error_code: error?.code,
        jsonrpc_error_message: cut(error?.message),
      },
    },
    kubernetes: { namespace: pod.namespace, pod: pod.name, pod_uid: pod.uid, node: pod.node },
  })}\n`;
}

function eventType({ head, message }: Exchange): string {
  if (!message) return head.method === 'GET' ? 'sse_connection' : 'http_request';
  const known = EVENT_TYPES[message.method];
  return known ?? (message.kind === 'notification' ? 'mcp_notification' : 'mcp_request');
}

function targetType({ message }: Exchange): string {
  return (message?.target !== undefined && TARGET_TYPES[message.method.split('/', 1)[0] ?? '']) || 'endpoint';
}

interface Client {
  readonly name?: string;
  readonly version?: string;
}

const clients = new WeakMap<Session, Client>();
const digests = new WeakMap<Session, string>();

/** What the client calls itself: logged, and never decided on. */
function clientOf({ message, session }: Exchange): Client {
  const span =
    message?.document.meta.get('io.modelcontextprotocol/clientInfo') ??
    message?.document.params.get('clientInfo');
  if (message && span) return clientInfo(message.raw.toString('utf8', span.start, span.end));
  if (!session?.initializeParams) return {};
  let client = clients.get(session);
  if (!client) {
    client = clientInfo(
      JSON.stringify((JSON.parse(session.initializeParams) as { clientInfo?: unknown }).clientInfo ?? null),
    );
    clients.set(session, client);
  }
  return client;
}

function clientInfo(json: string): Client {
  const { name, version } = (JSON.parse(json) ?? {}) as Record<string, unknown>;
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
  };
}

/** Tells sessions apart without being one. */
function sessionDigest(session: Session): string {
  let digest = digests.get(session);
  if (!digest) digests.set(session, (digest = hash('sha256', session.sealed, 'base64url').slice(0, 16)));
  return digest;
}
