import { PROTOCOL_VERSION_KEY, type ClientMessage } from '../../sidecar/client-message.ts';
import { members } from '../../sidecar/json/members.ts';
import { refuse, type Refusal } from '../../sidecar/reasons.ts';

const NAMING = /^(tools\/call|prompts\/get|resources\/read|completion\/complete)$/;

/** What a proxy understands that reads with JSON.parse and passes the bytes on: the sidecar without strict reading. */
export function readLaxly(raw: Buffer): ClientMessage | Refusal {
  let message: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(raw.toString('utf8'));
    message = Array.isArray(value) ? value[0] : value;
    if (typeof message !== 'object' || message === null) return refuse('not-jsonrpc');
  } catch {
    return refuse('not-json');
  }
  const params = asObject(message['params']);
  const reference = asObject(params['ref']);
  const method = String(message['method'] ?? '');
  const target = !NAMING.test(method)
    ? undefined
    : (params['name'] ?? params['uri'] ?? reference['name'] ?? reference['uri']);
  const top = members(raw);
  const paramsAt = top.get('params')?.start;
  const paramsSpans = paramsAt === undefined ? new Map() : members(raw, paramsAt);
  const meta = asObject(params['_meta']);
  return {
    kind: message['id'] === undefined ? 'notification' : 'request',
    era: PROTOCOL_VERSION_KEY in meta ? 'modern' : 'legacy',
    raw,
    ...(message['id'] === undefined ? {} : { id: JSON.stringify(message['id']) }),
    method,
    ...(typeof target === 'string' ? { target } : {}),
    document: {
      top,
      params: paramsSpans,
      meta: paramsSpans.has('_meta') ? members(raw, paramsSpans.get('_meta').start) : new Map(),
    },
  };
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
