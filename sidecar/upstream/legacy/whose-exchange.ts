import type { Exchange, Refusal } from '../../exchange.ts';
import { refuse } from '../../reasons.ts';
import { refusalOf } from '../streamable-http.ts';
import { UpstreamError } from '../upstream-error.ts';
import { CrowdedError } from './legacy-sessions.ts';

/** Why a request got no session, or nothing on it. */
export function failureOf(exchange: Exchange, error: Error): Refusal {
  if (error instanceof CrowdedError)
    return refuse('too-much-under-way', error.message, { 'retry-after': '5' });
  if (error instanceof UpstreamError) return refusalOf(exchange, error);
  // Of nobody who is awaited: it is caught where the exchange is known.
  throw error;
}

/** Callers without a name are told apart by their address, as everywhere. */
export const ownerOf = ({ principal, head }: Exchange): string =>
  principal.kind === 'anonymous' ? head.remoteAddress : principal.digest;
