/**
 * Every reason for which the sidecar itself answers: one table for the HTTP status, the JSON-RPC error, the audit
 * record and the code under which `kubectl mcp doctor` explains it.
 */

import { POLICY_REASONS } from './filter/policy-reasons.ts';
import { ASSERTION_REASONS } from './auth/assertions/assertion-reasons.ts';
import { SESSION_REASONS } from './session-reasons.ts';

import { SERVER_REASONS } from './server-reasons.ts';

/** ToolHive's outcomes: what the audit record says of a call. */
export type Outcome = 'success' | 'denied' | 'failure' | 'error' | 'application_error';

export interface ReasonRow {
  readonly status: number;
  /** JSON-RPC error code; the codes -32023 to -32099 are the specification's own and never minted here. */
  readonly code: number;
  readonly outcome: Outcome;
  /** What the client reads when the refusal brings no words of its own. */
  readonly message: string;
  readonly doctorCode?: string;
}

export const REASONS = {
  'path-unknown': { status: 404, code: -32601, outcome: 'failure', message: 'no MCP endpoint at this path' },
  'method-not-allowed': { status: 405, code: -32600, outcome: 'failure', message: 'use POST, GET or DELETE' },
  'http-version': { status: 505, code: -32600, outcome: 'error', message: 'use HTTP/1.1' },
  'not-http': {
    status: 400,
    code: -32600,
    outcome: 'failure',
    message: 'the request is not proper HTTP/1.1',
  },
  'headers-too-large': {
    status: 431,
    code: -32600,
    outcome: 'failure',
    message: 'the request headers are too large',
  },
  'target-too-long': {
    status: 414,
    code: -32600,
    outcome: 'failure',
    message: 'the request target is too long',
  },
  'transfer-coding': {
    status: 501,
    code: -32600,
    outcome: 'error',
    message: 'Transfer-Encoding other than chunked is not supported',
  },
  'expectation-unknown': {
    status: 417,
    code: -32600,
    outcome: 'failure',
    message: 'Expect other than 100-continue is not supported',
  },
  'request-timeout': {
    status: 408,
    code: -32600,
    outcome: 'failure',
    message: 'the request did not come in time',
  },
  'media-type': {
    status: 415,
    code: -32600,
    outcome: 'failure',
    message: 'Content-Type must be application/json',
  },
  'body-too-large': {
    status: 413,
    code: -32600,
    outcome: 'failure',
    message: 'the request body is too large',
  },
  'body-incomplete': {
    status: 400,
    code: -32700,
    outcome: 'failure',
    message: 'the request body ended early',
  },
  'not-json': { status: 400, code: -32700, outcome: 'failure', message: 'the request body is not JSON' },
  'not-strict': {
    status: 400,
    code: -32600,
    outcome: 'denied',
    message: 'the request body has more than one reading',
  },
  'not-jsonrpc': {
    status: 400,
    code: -32600,
    outcome: 'failure',
    message: 'the request body is not a JSON-RPC message',
  },
  'params-invalid': { status: 400, code: -32602, outcome: 'failure', message: 'invalid params' },
  // Its code is the specification's (2026-07-28, Server Validation).
  'header-mismatch': {
    status: 400,
    code: -32020,
    outcome: 'denied',
    message: 'the headers do not match the request body',
  },
  'host-forbidden': {
    status: 403,
    code: -32600,
    outcome: 'denied',
    message: 'requests for this Host are not allowed',
  },
  'origin-forbidden': {
    status: 403,
    code: -32600,
    outcome: 'denied',
    message: 'requests from this Origin are not allowed',
  },
  'credentials-missing': {
    status: 401,
    code: -32600,
    outcome: 'denied',
    message: 'authentication is required',
    doctorCode: 'MCP702',
  },
  'credentials-invalid': {
    status: 401,
    code: -32600,
    outcome: 'denied',
    message: 'the credentials are not valid',
    doctorCode: 'MCP702',
  },
  'keys-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'callers cannot be checked at the moment: there is nothing to check their tokens with',
    doctorCode: 'MCP702',
  },
  'policy-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'the policy of this server is not in force yet',
    doctorCode: 'MCP710',
  },
  'pins-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'the pins of this server are not in force yet',
    doctorCode: 'MCP710',
  },
  'principal-forbidden': {
    status: 403,
    code: -32600,
    outcome: 'denied',
    message: 'this caller may not use this server',
    doctorCode: 'MCP702',
  },
  'too-much-under-way': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'as much as the limits of this server allow is under way',
  },
  ...ASSERTION_REASONS,
  ...SESSION_REASONS,
  'task-unknown': { status: 200, code: -32602, outcome: 'denied', message: 'Task not found' },
  ...POLICY_REASONS,
  'catalogue-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'the list of tools of the server is not loaded yet',
    doctorCode: 'MCP601',
  },
  ...SERVER_REASONS,
  // Its answer has begun, so nobody reads this but the reader of the audit log.
  'client-stalled': {
    status: 408,
    code: -32600,
    outcome: 'failure',
    message: 'the client did not take the answer',
  },
  'internal-error': { status: 500, code: -32603, outcome: 'error', message: 'internal error of the sidecar' },
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof REASONS;

/** An answer of the sidecar's own. `detail` is shown to the client: it holds no secret. */
export interface Refusal {
  readonly reason: Reason;
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const refuse = (reason: Reason, detail?: string, headers?: Record<string, string>): Refusal => ({
  reason,
  ...(detail === undefined ? {} : { detail }),
  ...(headers ? { headers } : {}),
});

/** The JSON-RPC error for a refusal; `id` is the raw JSON of the request's id, or `null`. */
export function refusalBody({ reason, detail }: Refusal, id = 'null'): string {
  const { code, message } = REASONS[reason];
  const words = detail ? `${message}: ${detail}` : message;
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(words)}}}`;
}
