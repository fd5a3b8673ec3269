import { createHash } from 'node:crypto';
import {
  LOG_LEVELS,
  MODERN_VERSION,
  CLIENT_CAPABILITIES_KEY,
  CLIENT_INFO_KEY,
  LOG_LEVEL_KEY,
  PROTOCOL_VERSION_KEY,
  text,
  type ClientMessage,
} from '../../client-message.ts';
import type { Span } from '../../json/strict-reader.ts';
import { CLIENT_INFO } from '../mcp-request.ts';

/** What a request of 2026-07-28 says of its client, for a server that is told so once per session. */
export interface ModernRequest {
  /** As `initialize` has them. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly clientInfo: unknown;
  /** Absent: no log messages are wanted. */
  readonly logLevel?: string;
  /** What makes it the same request when it is sent again with the client's answers. */
  readonly digest: string;
  readonly requestState?: string;
  /** Raw JSON by the key of the input request. */
  readonly inputResponses?: Span;
}

/** An error of the protocol, as a server of 2026-07-28 would answer it. */
export interface ProtocolError {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Per hop: what the next one says is ours to write. */
export const RESERVED_META: readonly string[] = [
  PROTOCOL_VERSION_KEY,
  CLIENT_CAPABILITIES_KEY,
  CLIENT_INFO_KEY,
  LOG_LEVEL_KEY,
];
/** What a retry adds to the request. */
export const RETRY_PARAMS: readonly string[] = ['inputResponses', 'requestState'];

/** What both eras have; extensions and tasks are not carried. */
const SHARED_CAPABILITIES = ['elicitation', 'sampling', 'roots', 'experimental'];
/** Of the era of sessions alone (2026-07-28, changelog). */
const REMOVED_METHODS = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
]);

export function readModernRequest(message: ClientMessage): ModernRequest | { problem: ProtocolError } {
  const { raw, document, method } = message;
  const { params, meta } = document;
  if (!meta.has(PROTOCOL_VERSION_KEY))
    return problem(400, -32602, `_meta: ${PROTOCOL_VERSION_KEY} is missing, and the header names a version`);
  const version = text(raw, meta.get(PROTOCOL_VERSION_KEY));
  if (version !== MODERN_VERSION)
    return problem(400, -32022, `Unsupported protocol version: ${version}`, {
      supported: [MODERN_VERSION],
      requested: version,
    });
  const capabilities = record(raw, meta.get(CLIENT_CAPABILITIES_KEY));
  if (!capabilities)
    return problem(400, -32602, `_meta: ${CLIENT_CAPABILITIES_KEY} is missing or not an object`);
  const logLevel = meta.has(LOG_LEVEL_KEY) ? text(raw, meta.get(LOG_LEVEL_KEY)) : undefined;
  if (meta.has(LOG_LEVEL_KEY) && !LOG_LEVELS.includes(logLevel ?? ''))
    return problem(400, -32602, `_meta: ${LOG_LEVEL_KEY} is not a level`);
  if (REMOVED_METHODS.has(method)) return problem(404, -32601, 'Method not found');
  const requestState = text(raw, params.get('requestState'));
  if (params.has('requestState') && requestState === undefined)
    return problem(200, -32602, 'requestState is not a string');
  const inputResponses = params.get('inputResponses');
  if (inputResponses && raw[inputResponses.start] !== 0x7b)
    return problem(200, -32602, 'inputResponses is not an object');
  return {
    capabilities: Object.fromEntries(
      SHARED_CAPABILITIES.filter((key) => isRecord(capabilities[key])).map((key) => [key, capabilities[key]]),
    ),
    clientInfo: record(raw, meta.get(CLIENT_INFO_KEY)) ?? CLIENT_INFO,
    ...(logLevel === undefined ? {} : { logLevel }),
    digest: digestOf(message),
    ...(requestState === undefined ? {} : { requestState }),
    ...(inputResponses ? { inputResponses } : {}),
  };
}

/** Of the method and the params that both the first request and its retry have. */
function digestOf({ raw, document, method }: ClientMessage): string {
  const hash = createHash('sha256').update(method);
  for (const [key, { start, end }] of [...document.params].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (key === '_meta' || RETRY_PARAMS.includes(key)) continue;
    hash.update(`\n${key}\n${end - start}\n`).update(raw.subarray(start, end));
  }
  return hash.digest('base64url');
}

const problem = (status: number, code: number, words: string, data?: unknown) => ({
  problem: { status, code, message: words, ...(data === undefined ? {} : { data }) },
});

function record(raw: Buffer, span: Span | undefined): Record<string, unknown> | undefined {
  const value: unknown = span && JSON.parse(raw.toString('utf8', span.start, span.end));
  return isRecord(value) ? value : undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
