import { hash } from 'node:crypto';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { globMatcher } from '../glob.ts';
import { principal, type Principal } from '../principal.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { createConnectionMemo } from './connection-memo.ts';
import { bearerToken, challenge, type KindAuthenticator } from './authenticator.ts';
import type { TokenReviews } from './token-reviews.ts';

export interface KubernetesTokensConfig {
  readonly audience: string;
  /** `NAMESPACE/SERVICEACCOUNT` globs. */
  readonly allowPrincipals: readonly string[];
}

/** Who signs the cluster's tokens, and with which keys. */
export interface IssuerKeys {
  readonly issuer: string;
  readonly find: JWTVerifyGetKey;
}

/** Gives the cluster's issuer and keys; `refresh` asks the API server again, at most every few seconds. */
export interface IssuerSource {
  current(): IssuerKeys | undefined;
  refresh(): Promise<IssuerKeys | undefined>;
  problem(): string | undefined;
  close(): void;
}

interface Verified {
  readonly verdict: Principal | Refusal;
  /** Until then it is not looked at again. */
  readonly expiresAtMs: number;
  /** Until then streams stay open. */
  readonly holdsUntilMs: number;
  /** Those that it was verified with: a token is verified again when they have changed. */
  readonly keys: IssuerKeys;
}

/** What the API server signs with (`--service-account-signing-key-file`: RSA or ECDSA). */
const ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512'];
/** How long the API server's word on a token is taken for true, also that it is good no more. */
export const REVIEWED_MS = 10_000;
const CLOCK_TOLERANCE_S = 5;
const MAX_CACHED = 2_000;
const MAX_TOKEN_CHARS = 8_192;

/**
 * `auth: kubernetes`: service-account tokens with this workload's audience, verified without asking the API server.
 * @param reviews ask it nevertheless, about tokens that are good otherwise: junk does not get that far
 */
export function createKubernetesTokens(
  config: KubernetesTokensConfig,
  source: IssuerSource,
  { now = Date.now, reviews }: { now?: () => number; reviews?: TokenReviews } = {},
): KindAuthenticator {
  const allowed = config.allowPrincipals.map(globMatcher);
  /** By digest, so that no token is kept. */
  const verified = new Map<string, Verified>();
  /** Of those who were let in: each principal is of one token. */
  const proofs = new WeakMap<Principal, Verified>();
  const memo = createConnectionMemo<Verified>();
  /** By digest: those that the API server is asked about. */
  const asked = new Map<string, Promise<Refusal | Verified>>();

  function authenticate(
    token: string,
    connection: object,
  ): Principal | Refusal | Promise<Principal | Refusal> {
    if (token.length > MAX_TOKEN_CHARS)
      return refuse('credentials-invalid', 'the token is too long', challenge('invalid_token'));
    const keys = source.current();
    // What is wrong names files and addresses; that is for /health, not for a caller whom nobody knows yet.
    if (!keys) return refuse('keys-unavailable', undefined, { 'retry-after': '2' });
    const credential = Buffer.from(token);
    const isGood = (each: Verified) => each.keys === keys && each.expiresAtMs > now();
    const last = memo.recall(connection, credential);
    if (last && isGood(last)) return last.verdict;
    const digest = hash('sha256', credential, 'base64url');
    const known = verified.get(digest);
    if (known && isGood(known)) {
      memo.remember(connection, credential, known);
      return known.verdict;
    }
    const pending = asked.get(digest);
    if (pending) return pending.then((result) => ('reason' in result ? result : result.verdict));
    const judged = verify(token, keys, true).then((result) =>
      reviews && !('reason' in result) && !('reason' in result.verdict)
        ? confirm(token, { ...result, verdict: result.verdict }, known?.verdict)
        : result,
    );
    if (reviews) {
      asked.set(digest, judged);
      void judged.finally(() => asked.delete(digest));
    }
    return judged.then((result) => {
      if ('reason' in result) return result;
      verified.delete(digest);
      if (verified.size >= MAX_CACHED) verified.delete(verified.keys().next().value ?? '');
      verified.set(digest, result);
      if (!('reason' in result.verdict)) proofs.set(result.verdict, result);
      return result.verdict;
    });
  }

  /** @param before what was found of the same token the last time: the same caller stays the same object */
  async function confirm(
    token: string,
    result: Verified & { readonly verdict: Principal },
    before: Principal | Refusal | undefined,
  ): Promise<Refusal | Verified> {
    const untilMs = Math.min(result.expiresAtMs, now() + REVIEWED_MS);
    const times = { expiresAtMs: untilMs, holdsUntilMs: untilMs };
    try {
      const reviewed = await reviews!.review(token);
      if (reviewed === 'refused' || reviewed.username !== result.verdict.name) {
        const words = 'the API server does not take the token, or not any more';
        return {
          ...result,
          ...times,
          verdict: refuse('credentials-invalid', words, challenge('invalid_token')),
        };
      }
      const { digest: _, ...fields } = result.verdict;
      const isSame =
        before && !('reason' in before) && before.groups.join('\n') === reviewed.groups.join('\n');
      const verdict = isSame ? before : principal({ ...fields, groups: reviewed.groups });
      return { ...result, ...times, verdict };
    } catch {
      // Why is for /health: nobody knows the caller for sure.
      return refuse('keys-unavailable', undefined, { 'retry-after': '2' });
    }
  }

  async function verify(token: string, keys: IssuerKeys, mayRefresh: boolean): Promise<Refusal | Verified> {
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        issuer: keys.issuer,
        audience: config.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(now()),
      });
      const expiresAtMs = (payload.exp ?? 0) * 1000;
      const holdsUntilMs = expiresAtMs + CLOCK_TOLERANCE_S * 1000;
      return { verdict: judge(payload), expiresAtMs, holdsUntilMs, keys };
    } catch (error) {
      // A key that we do not have may be a new one.
      if (error instanceof errors.JWKSNoMatchingKey && mayRefresh) {
        const fresh = await source.refresh();
        if (fresh && fresh !== keys) return verify(token, fresh, false);
      }
      return refuse('credentials-invalid', explain(error), challenge('invalid_token'));
    }
  }

  function judge(payload: JWTPayload): Principal | Refusal {
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(payload.sub ?? '') ?? [];
    if (!namespace || !name)
      return refuse('credentials-invalid', 'not the token of a service account', challenge('invalid_token'));
    const caller = `${namespace}/${name}`;
    if (!allowed.some((matches) => matches(caller))) {
      return refuse(
        'principal-forbidden',
        `service account ${caller} is not among the callers allowed here (${config.allowPrincipals.join(', ')})`,
      );
    }
    return principal({
      kind: 'kubernetes',
      issuer: payload.iss ?? '',
      name: payload.sub ?? '',
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      actors: [],
    });
  }

  return {
    kind: 'kubernetes',
    recognises(credential) {
      if (credential.form !== 'jwt') return 'no';
      const issuer = source.current()?.issuer;
      return issuer === undefined ? 'not-yet' : issuer === credential.issuer ? 'yes' : 'no';
    },
    authenticate(headers, connection) {
      const token = bearerToken(headers);
      return token === undefined
        ? refuse('credentials-missing', undefined, challenge())
        : authenticate(token, connection);
    },
    holds(given) {
      const proof = proofs.get(given);
      return proof !== undefined && proof.keys === source.current() && proof.holdsUntilMs > now();
    },
    notReady: () =>
      source.current()
        ? reviews?.problem()
        : (source.problem() ?? 'the keys of the cluster are not loaded yet'),
    close() {
      source.close();
      reviews?.close();
    },
  };
}

/** Words for the client that say what is wrong with its token and nothing of the token. */
function explain(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `the token's claim "${error.claim}" is not the one expected here`;
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'the token is not signed with an algorithm of the cluster';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'the token is signed with a key that the cluster does not have';
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the token's signature is not valid";
  return 'not a token of this cluster';
}
