import type { ReasonRow } from '../reasons.ts';

/** 200, for clients take other 4xx for a dead connection; what is unknown and what is forbidden get the same bytes. */
export const POLICY_REASONS = {
  'tool-unknown': { status: 200, code: -32602, outcome: 'denied', message: 'Unknown tool' },
  // 403, as MCP asks for (authorization, Scope Challenge Handling): the client then asks the user for more.
  'scope-insufficient': {
    status: 403,
    code: -32600,
    outcome: 'denied',
    message: 'the token lacks a scope',
  },
  'prompt-unknown': { status: 200, code: -32602, outcome: 'denied', message: 'Unknown prompt' },
  'resource-unknown': { status: 200, code: -32602, outcome: 'denied', message: 'Resource not found' },
  // The code of the revisions with sessions.
  'resource-unknown-legacy': { status: 200, code: -32002, outcome: 'denied', message: 'Resource not found' },
  // Of a tool or prompt that the caller does see.
  'arguments-forbidden': {
    status: 200,
    code: -32602,
    outcome: 'denied',
    message: 'the policy of this server does not allow these arguments',
  },
  // Of a tool whose arguments are not all its caller's (overrides): the hidden are none, like those that there are not.
  'argument-unknown': { status: 200, code: -32602, outcome: 'denied', message: 'Unknown argument' },
  'method-forbidden': { status: 200, code: -32601, outcome: 'denied', message: 'Method not found' },
  'url-forbidden': {
    status: 200,
    code: -32603,
    outcome: 'denied',
    message: 'the server asks for a URL to be opened that its policy does not allow',
  },
  'access-unavailable': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'who may call what cannot be asked at the moment',
    doctorCode: 'MCP715',
  },
} as const satisfies Record<string, ReasonRow>;
