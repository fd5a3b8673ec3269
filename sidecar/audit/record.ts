import { hash } from 'node:crypto';
import type { ClientMessage } from '../client-message.ts';
import type { Exchange, Session } from '../exchange.ts';
import { groupsInJson } from './groups.ts';

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
  'tasks/get': 'mcp_task_get',
  'tasks/result': 'mcp_task_result',
  'tasks/update': 'mcp_task_update',
  'tasks/cancel': 'mcp_task_cancel',
  'tasks/list': 'mcp_tasks_list',
  ping: 'mcp_ping',
};
const TARGET_TYPES: Readonly<Record<string, string>> = {
  tools: 'tool',
  resources: 'resource',
  prompts: 'prompt',
};
/** Clients choose these texts; container runtimes split lines at 16 KiB. */
const MAX_TEXT_CHARS = 512;
/** Icons and all; what is longer is not parsed for the sake of a name. */
const MAX_CLIENT_BYTES = 16 * 1024;
const cut = (text: string | undefined): string | undefined => text?.slice(0, MAX_TEXT_CHARS);

/**
 * One line of the audit log, in ToolHive's fields, with the rule that decided and the pod that it happened in.
 * Written out member by member, for one is made on every call and a serialiser takes three times as long.
 */
export function auditRecord(
  exchange: Exchange,
  pod: PodFacts,
  at: { date: Date; durationMs: number; unchecked?: string | undefined; transport?: string | undefined },
): string {
  const { head, message, principal, error, session, server } = exchange;
  const written = server.upstream.transport;
  const client = clientOf(exchange);
  const time = `"${isoTime(at.date)}"`;
  const source =
    member('user_agent', cut(head.headers['user-agent'])) +
    member('request_id', cut(message?.id)) +
    member('session_id', session && sessionDigest(session));
  const subjects =
    member('user', principal.name) +
    member('user_id', principal.digest) +
    raw('groups', groupsInJson(principal)) +
    member('client_name', cut(client.name)) +
    member('client_version', cut(client.version));
  const target =
    member('endpoint', head.path) +
    member('method', message?.method || head.method) +
    member('name', message && (nameOf(message) || cut(exchange.called))) +
    member('type', targetType(exchange));
  const extra =
    member('duration_ms', Math.round(at.durationMs * 1000) / 1000) +
    member('transport', at.transport ?? (written === 'auto' ? undefined : written)) +
    member('http_status', exchange.status) +
    member('issuer', principal.issuer || undefined) +
    member('rule', exchange.rule) +
    member('called', message?.target ? cut(exchange.called) : undefined) +
    member('tool', exchange.tool) +
    member('task', exchange.task === undefined ? undefined : digestOf(exchange.task)) +
    member('policy', exchange.policy) +
    member('unchecked', at.unchecked) +
    member('jsonrpc_error_code', error?.code) +
    member('jsonrpc_error_message', cut(error?.message));
  return (
    `{"time":${time},"level":"AUDIT","msg":"audit_event","audit_id":"${exchange.id}","type":"${eventType(exchange)}","logged_at":${time}` +
    `,"outcome":"${exchange.outcome}"${member('component', server.name)}` +
    `,"source":{"type":"network"${member('value', head.remoteAddress)},"extra":${object(source)}}` +
    `,"subjects":${object(subjects)}${principal.actors.length > 0 ? `,"delegation":{"chain":${JSON.stringify(principal.actors)}}` : ''}` +
    `,"target":${object(target)},"metadata":{"extra":${object(extra)}},"kubernetes":${kubernetesOf(pod)}}\n`
  );
}

/** Who has the id of a task has its result: told apart, not told. Long names keep what tells them apart when cut. */
function nameOf({ method, target }: ClientMessage): string | undefined {
  if (target === undefined) return undefined;
  if (method.startsWith('tasks/')) return digestOf(target);
  return target.length > MAX_TEXT_CHARS ? `${cut(target)}… ${digestOf(target)}` : target;
}

const digestOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, 16);

/** With the comma before it; empty for what is not there. */
const member = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
const raw = (name: string, json: string | undefined): string =>
  json === undefined ? '' : `,"${name}":${json}`;
const object = (members: string): string => `{${members.slice(1)}}`;

let lastTime = { ms: 0, text: '' };

/** Many records share a millisecond. */
function isoTime(date: Date): string {
  const ms = date.getTime();
  if (lastTime.ms !== ms) lastTime = { ms, text: date.toISOString() };
  return lastTime.text;
}

const kubernetes = new WeakMap<PodFacts, string>();

function kubernetesOf(pod: PodFacts): string {
  let text = kubernetes.get(pod);
  if (!text) {
    text = JSON.stringify({ namespace: pod.namespace, pod: pod.name, pod_uid: pod.uid, node: pod.node });
    kubernetes.set(pod, text);
  }
  return text;
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
  if (message && span)
    return span.end - span.start > MAX_CLIENT_BYTES
      ? {}
      : clientInfo(message.raw.toString('utf8', span.start, span.end));
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
  if (!digest) digests.set(session, (digest = digestOf(session.sealed)));
  return digest;
}
