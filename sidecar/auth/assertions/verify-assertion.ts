import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { TrustedActor } from './read-actors.ts';

/** What an actor says of its user, for one request. */
export interface Assertion {
  readonly user: string;
  readonly groups: readonly string[];
  readonly id: string;
  /** base64url of the SHA-256 of the request's body. */
  readonly bodyHash: string;
  /** From then on it is refused, whatever the clocks. */
  readonly endsAtMs: number;
}

/** What public keys verify: with a shared key the actor would not be the only one who can sign. */
const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
const MAX_LIFE_S = 60;
const CLOCK_TOLERANCE_S = 5;
const MAX_CHARS = 8_192;
const MAX_GROUPS = 100;
const NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u;
const ID = /^[!-~]{1,128}$/;
const HASH = /^[A-Za-z0-9_-]{43}$/;

export interface Expected {
  /** As the proxy knows the actor: `iss` of what it signs. */
  readonly actor: string;
  readonly audience: string;
  readonly method: string;
  readonly nowMs: number;
}

/** @returns the assertion, or for the actor in words why it is none: nothing of it is repeated */
export async function verifyAssertion(
  text: string,
  { find }: Pick<TrustedActor, 'find'>,
  { actor, audience, method, nowMs }: Expected,
): Promise<Assertion | string> {
  if (text.length > MAX_CHARS) return `it is longer than ${MAX_CHARS} characters`;
  try {
    const { payload } = await jwtVerify(text, find, {
      issuer: actor,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['exp', 'iat', 'sub', 'jti', 'htm', 'bh'],
      currentDate: new Date(nowMs),
    });
    return read(payload, method, nowMs);
  } catch (error) {
    return explain(error, actor);
  }
}

function read({ sub, groups = [], jti, htm, bh, exp, iat, aud }: JWTPayload, method: string, nowMs: number) {
  if (typeof aud !== 'string') return 'its claim "aud" names more than this server';
  if (exp! - iat! > MAX_LIFE_S || exp! <= iat!) return `it is good for more than ${MAX_LIFE_S} s`;
  if (iat! * 1000 > nowMs + CLOCK_TOLERANCE_S * 1000) return 'its claim "iat" is in the future';
  if (htm !== method) return 'its claim "htm" is not the method of the request';
  if (typeof bh !== 'string' || !HASH.test(bh)) return 'its claim "bh" is no SHA-256 in base64url';
  if (typeof jti !== 'string' || !ID.test(jti)) return 'its claim "jti" is not of 1 to 128 characters';
  if (typeof sub !== 'string' || !NAME.test(sub)) return 'its claim "sub" is not of 1 to 256 characters';
  if (!Array.isArray(groups) || groups.length > MAX_GROUPS || !groups.every(isName))
    return `its claim "groups" is no list of at most ${MAX_GROUPS} names`;
  const endsAtMs = (exp! + CLOCK_TOLERANCE_S) * 1000;
  return { user: sub, groups: groups as string[], id: jti, bodyHash: bh, endsAtMs } satisfies Assertion;
}

const isName = (value: unknown): boolean => typeof value === 'string' && NAME.test(value);

function explain(error: unknown, actor: string): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'iss'
      ? `its claim "iss" is not ${actor}`
      : `its claim "${error.claim}" is missing or not the one expected here`;
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'it is not signed with an algorithm that is taken here';
  if (error instanceof errors.JWKSNoMatchingKey) return 'it is signed with none of the keys of this actor';
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'it does not say by "kid" which key has signed it';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is not valid';
  return 'it is no signed JWT';
}
