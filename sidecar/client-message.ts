import { members } from './json/members.ts';
import { readStrict, StrictError, type Span, type StrictDocument } from './json/strict-reader.ts';
import { refuse, type Refusal } from './reasons.ts';

/** The revision without sessions; each later one will have a version of its own. */
export const MODERN_VERSION = '2026-07-28';
export const PROTOCOL_VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
export const CLIENT_CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
export const CLIENT_INFO_KEY = 'io.modelcontextprotocol/clientInfo';
export const LOG_LEVEL_KEY = 'io.modelcontextprotocol/logLevel';
export const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo';
export const SUBSCRIPTION_KEY = 'io.modelcontextprotocol/subscriptionId';
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];
/** Headers of mirrored tool parameters (2026-07-28, `x-mcp-header`). */
export const PARAM_HEADER_PREFIX = 'mcp-param-';

/** `modern`: metadata in each request (2026-07-28 and later); `legacy`: the initialize handshake. */
export type Era = 'modern' | 'legacy';

/** One JSON-RPC message of a client: what policy needs to know, and the bytes that were judged and will be sent. */
export interface ClientMessage {
  readonly kind: 'request' | 'notification' | 'response';
  readonly era: Era;
  readonly raw: Buffer;
  /** Raw JSON of the id; absent on notifications. Ids keep their bytes, for large numbers change when parsed. */
  readonly id?: string;
  /** Empty on responses. */
  readonly method: string;
  /** What the request is about: the tool's or prompt's name, the resource's URI, the task's id. */
  readonly target?: string;
  readonly document: StrictDocument;
}

const NAMED = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['resources/subscribe', 'uri'],
  ['resources/unsubscribe', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/result', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);
/** Without these there is nothing to decide on. */
const NAME_REQUIRED = new Set(['tools/call', 'prompts/get', 'resources/read', 'completion/complete']);
/** The types of `ref` in completion/complete, and what names it. */
const REFERENCES = new Map([
  ['ref/prompt', 'name'],
  ['ref/resource', 'uri'],
]);

export function readClientMessage(raw: Buffer): ClientMessage | Refusal {
  let document: StrictDocument;
  try {
    document = readStrict(raw);
  } catch (error) {
    if (error instanceof StrictError) return refuse(error.reason, error.message);
    throw error;
  }
  const { top, params, meta } = document;
  if (text(raw, top.get('jsonrpc')) !== '2.0') return refuse('not-jsonrpc', '"jsonrpc" is not "2.0"');
  const idSpan = top.get('id');
  const id = idSpan && raw.toString('latin1', idSpan.start, idSpan.end);
  if (id !== undefined && !isId(id) && !(id === 'null' && top.has('error')))
    return refuse('not-jsonrpc', '"id" is neither a string nor an integer');
  if (!top.has('method')) {
    if (id === undefined || top.has('result') === top.has('error'))
      return refuse('not-jsonrpc', 'neither request, notification nor response');
    return { kind: 'response', era: 'legacy', raw, id: utf8(raw, idSpan), method: '', document };
  }
  const method = text(raw, top.get('method'));
  if (method === undefined || !/^[\x21-\x7e]{1,128}$/.test(method))
    return refuse('not-jsonrpc', '"method" is not a name');
  if (top.has('result') || top.has('error')) return refuse('not-jsonrpc', 'both request and response');
  const paramsSpan = top.get('params');
  if (paramsSpan && raw[paramsSpan.start] !== 0x7b)
    return refuse('params-invalid', '"params" is not an object');
  const key = NAMED.get(method);
  const target =
    method === 'completion/complete'
      ? referenceOf(raw, params.get('ref'))
      : key === undefined
        ? undefined
        : text(raw, params.get(key));
  if (target === undefined ? NAME_REQUIRED.has(method) : target.includes('\0'))
    return refuse('params-invalid', `"params.${key ?? 'ref'}" is missing, of another type, or has NUL`);
  return {
    kind: id === undefined ? 'notification' : 'request',
    era: meta.has(PROTOCOL_VERSION_KEY) ? 'modern' : 'legacy',
    raw,
    ...(id === undefined ? {} : { id: utf8(raw, idSpan) }),
    method,
    ...(target === undefined ? {} : { target }),
    document,
  };
}

/** MCP knows strings and integers; 1.0 is one, as JSON Schema has it. */
const isId = (id: string): boolean =>
  id.startsWith('"') || (/^[-\d]/.test(id) && Number.isInteger(Number(id)));

function referenceOf(raw: Buffer, span: Span | undefined): string | undefined {
  if (!span) return undefined;
  const reference = members(raw, span.start);
  const key = REFERENCES.get(text(raw, reference.get('type')) ?? '');
  return key === undefined ? undefined : text(raw, reference.get(key));
}

/** The decoded string at a span; undefined when there is none or it is not a string. */
export function text(raw: Buffer, span: Span | undefined): string | undefined {
  if (!span || raw[span.start] !== 0x22) return undefined;
  const inner = raw.toString('latin1', span.start + 1, span.end - 1);
  return PLAIN.test(inner) ? inner : (JSON.parse(utf8(raw, span)) as string);
}

/** ASCII without escapes, which is what it stands for. */
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;
const utf8 = (raw: Buffer, span: Span | undefined): string =>
  span ? raw.toString('utf8', span.start, span.end) : '';
