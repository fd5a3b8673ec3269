import type { ReasonRow } from '../../reasons.ts';

/** Of callers that speak for another. */
export const ASSERTION_REASONS = {
  'assertion-invalid': {
    status: 401,
    code: -32600,
    outcome: 'denied',
    message: 'what the caller says of its user is not valid',
  },
  'actor-untrusted': {
    status: 403,
    code: -32600,
    outcome: 'denied',
    message: 'this caller may not speak for others',
  },
  'assertions-full': {
    status: 503,
    code: -32603,
    outcome: 'error',
    message: 'more requests for users than can be remembered: the caller shall come again',
  },
} as const satisfies Record<string, ReasonRow>;
