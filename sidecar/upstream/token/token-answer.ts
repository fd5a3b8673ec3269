/** What a token endpoint has answered (RFC 6749 section 5, RFC 8693 section 2.2). Pure. */
import type { OutboundResponse } from '../../outbound/outbound.ts';
import { UpstreamError } from '../upstream-error.ts';

export interface Granted {
  readonly token: string;
  readonly lifeMs: number;
}

/** Of a token of which the endpoint does not say it. */
const UNSAID_MS = 60_000;
const MAX_LIFE_MS = 86_400_000;
const MAX_TOKEN_CHARS = 16_384;
/** They speak of the token that was brought, or of what its owner may have; all others of how the proxy asks. */
const OF_THE_CALLER = new Set([
  'invalid_grant',
  'invalid_request',
  'access_denied',
  'consent_required',
  'interaction_required',
  'login_required',
]);
/** RFC 6749 section 5.2. */
const CODE = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/;
const MAX_DESCRIPTION_CHARS = 300;

/**
 * @param isExchange a refusal may be the caller's
 * @throws {UpstreamError} whose message holds nothing of the request
 */
export function tokenAnswer(
  { status, body }: Pick<OutboundResponse, 'status' | 'body'>,
  isExchange: boolean,
): Granted {
  const answer = parsed(body);
  if (status === 200) return granted(answer);
  if (status >= 500 || status === 429 || status === 408)
    throw new UpstreamError(`it answered ${status}`, 'token-unavailable');
  const { error, error_description: description } = answer ?? {};
  if (typeof error !== 'string' || !CODE.test(error))
    throw new UpstreamError(
      `it answered ${status}, which is no answer of a token endpoint`,
      'token-unusable',
    );
  const said = typeof description === 'string' ? ` (${shown(description)})` : '';
  throw new UpstreamError(
    `${error}${said}`,
    isExchange && OF_THE_CALLER.has(error) ? 'token-refused' : 'token-unusable',
  );
}

function granted(answer: Record<string, unknown> | undefined): Granted {
  const { access_token: token, token_type: type, expires_in: seconds } = answer ?? {};
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token) || token.length > MAX_TOKEN_CHARS)
    throw new UpstreamError('it answered without an access_token that can be sent', 'token-unusable');
  // DPoP and others need a proof with each request; N_A is no access token (RFC 8693 section 2.2.1).
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw new UpstreamError('it gave a token that is no bearer token', 'token-unusable');
  const life = Number(seconds ?? Number.NaN) * 1_000;
  return { token, lifeMs: life > 0 ? Math.min(life, MAX_LIFE_MS) : UNSAID_MS };
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The provider's own words may quote what it was sent. */
const shown = (text: string): string =>
  text
    .replaceAll(/[^ -~]+/g, ' ')
    .replaceAll(/[\w.~+/=-]{20,}/g, '…')
    .slice(0, MAX_DESCRIPTION_CHARS);
