/** Of the reasons those that lie with the server: rows of the table in reasons.ts. */
import type { ReasonRow } from './reasons.ts';

export const SERVER_REASONS = {
  'upstream-refused': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'the server does not accept connections',
    doctorCode: 'MCP601',
  },
  'upstream-broken': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the server broke the connection or the rules of HTTP',
    doctorCode: 'MCP601',
  },
  'upstream-timeout': {
    status: 504,
    code: -32603,
    outcome: 'error',
    message: 'the server did not answer in time',
    doctorCode: 'MCP601',
  },
  'upstream-exited': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the process of the server has ended',
    doctorCode: 'MCP605',
  },
  'upstream-crowded': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'as many processes of the server as there may be are in use',
  },
  'upstream-redirect': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the server answers with a redirect, which is not followed',
  },
  'upstream-unauthorized': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the server asks the proxy for credentials',
    doctorCode: 'MCP606',
  },
  'upstream-not-mcp': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'what the server answered is no answer to an MCP request',
  },
  'upstream-headers-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'the headers that the server is to be sent cannot be read',
  },
  'upstream-token-refused': {
    status: 403,
    code: -32600,
    outcome: 'denied',
    message: 'this caller is given no credential for the server',
    doctorCode: 'MCP606',
  },
  'upstream-token-unusable': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the proxy is given no credential for the server',
    doctorCode: 'MCP606',
  },
  'upstream-token-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'nobody gives out credentials for the server at the moment',
    doctorCode: 'MCP606',
  },
  'upstream-result-too-large': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the result is too large to be filtered',
  },
  'upstream-result-unreadable': {
    status: 502,
    code: -32603,
    outcome: 'error',
    message: 'the result cannot be filtered',
  },
} as const satisfies Record<string, ReasonRow>;
