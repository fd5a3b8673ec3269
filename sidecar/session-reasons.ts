import type { ReasonRow } from './reasons.ts';

/** Of sessions and of streams on them. */
export const SESSION_REASONS = {
  'session-unknown': { status: 404, code: -32001, outcome: 'denied', message: 'Session not found' },
  'event-unknown': {
    status: 400,
    code: -32600,
    outcome: 'failure',
    message: 'the stream after this event is not kept any more: what it had to say is lost',
  },
} as const satisfies Record<string, ReasonRow>;
