import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { OidcAuth } from './oidc-config.ts';
import { wrongType } from './token-type.ts';

/** Clocks of a provider and of a node may differ (RFC 7519 section 4.1.4). */
export const CLOCK_TOLERANCE_S = 30;

export type Verification =
  | { readonly claims: JWTPayload }
  /** `key`: whether the provider may have another by now: `unknown`, or one that was given the same name. */
  | { readonly fault: string; readonly key?: 'unknown' | 'other' };

/** The signature first, of an algorithm that is pinned; keys that a token brings along are not looked at. */
export async function verifyJwt(
  token: string,
  find: JWTVerifyGetKey,
  { issuer, audiences, algorithms }: Pick<OidcAuth, 'issuer' | 'audiences' | 'algorithms'>,
  nowMs: number,
): Promise<Verification> {
  const options = {
    issuer,
    audience: [...audiences],
    algorithms: [...algorithms],
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['exp'],
    currentDate: new Date(nowMs),
  };
  try {
    const { payload } = await jwtVerify(token, find, options).catch(async (error: unknown) => {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // Without `kid` each key of the kind may be the one.
      for await (const key of error) {
        try {
          return await jwtVerify(token, key, options);
        } catch (each) {
          if (!(each instanceof errors.JWSSignatureVerificationFailed)) throw each;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    });
    const fault = wrongType(decodeProtectedHeader(token), payload);
    return fault === undefined ? { claims: payload } : { fault };
  } catch (error) {
    const fault = explain(error);
    if (error instanceof errors.JWKSNoMatchingKey) return { fault, key: 'unknown' };
    return { fault, ...(error instanceof errors.JWSSignatureVerificationFailed && { key: 'other' }) };
  }
}

/** Words for the client that say what is wrong with its token and nothing of the token. */
function explain(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' && error.reason === 'check_failed'
      ? 'the token is not valid yet'
      : `the token's claim "${error.claim}" is not the one expected here`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'the token is not signed with an algorithm that is taken here';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'the token is signed with a key that the provider does not have';
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the token's signature is not valid";
  if (error instanceof errors.JOSENotSupported) return 'the token has a header that is not known here (crit)';
  return 'not a token of this provider';
}
