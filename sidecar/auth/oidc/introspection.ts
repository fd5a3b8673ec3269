/** Asks the provider about a token that says nothing by itself (RFC 7662). */
import { basicAuthorization, type FollowedClient } from '../../outbound/oauth-client.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import { jsonObject } from './metadata.ts';
import { wrongType } from './token-type.ts';
import { CLOCK_TOLERANCE_S } from './verify-jwt.ts';

type Claims = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;

/** `problem`: the provider has not answered. */
export async function introspect(
  token: string,
  url: string,
  { outbound, client }: { outbound: () => Promise<Outbound>; client: FollowedClient },
): Promise<{ readonly claims: Claims } | { readonly problem: string }> {
  const own = client.current();
  if (own === undefined) return { problem: client.problem() ?? 'there is no client secret' };
  try {
    const { request } = await outbound();
    const { status, body } = await request({
      url,
      method: 'POST',
      headers: {
        authorization: basicAuthorization(own),
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    if (status !== 200) return { problem: `${url} answered ${status}` };
    return { claims: jsonObject(body, url) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** Whether what the provider answered lets anyone in here. Pure. @param expiresAtMs is infinite where it does not say */
export function judgeIntrospected(
  claims: Claims,
  { issuer, audiences }: { readonly issuer: string; readonly audiences: readonly string[] },
  nowMs: number,
): { readonly expiresAtMs: number } | { readonly fault: string } {
  if (claims['active'] !== true) return { fault: 'the provider does not know the token, or no longer' };
  const { iss, aud, exp, nbf, token_type: type } = claims;
  if (iss !== undefined && iss !== issuer) return { fault: expected('iss') };
  // Without one it may be for any server, and be a refresh token.
  if (![aud].flat().some((each) => audiences.includes(each as string))) return { fault: expected('aud') };
  // RFC 9449 section 6.2: of DPoP.
  if (type !== undefined && String(type).toLowerCase() !== 'bearer')
    return { fault: 'the token is not a bearer token' };
  const wrong = wrongType({}, claims);
  if (wrong !== undefined) return { fault: wrong };
  if (exp !== undefined && typeof exp !== 'number') return { fault: expected('exp') };
  if (exp !== undefined && (exp + CLOCK_TOLERANCE_S) * 1000 <= nowMs)
    return { fault: 'the token has expired' };
  if (nbf !== undefined && (typeof nbf !== 'number' || (nbf - CLOCK_TOLERANCE_S) * 1000 > nowMs))
    return { fault: 'the token is not valid yet' };
  return { expiresAtMs: exp === undefined ? Infinity : exp * 1000 };
}

const expected = (claim: string): string => `the token's claim "${claim}" is not the one expected here`;
