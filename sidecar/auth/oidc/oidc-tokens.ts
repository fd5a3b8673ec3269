/** `auth: oidc`: access tokens of one OpenID provider. */
import { decodeJwt } from 'jose';
import type { Principal } from '../../principal.ts';
import { refuse, type Refusal } from '../../reasons.ts';
import type { FollowedClient } from '../../outbound/oauth-client.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import { bearerToken, challenge, type KindAuthenticator } from '../authenticator.ts';
import { judgeClaims } from './claims.ts';
import type { Clock } from './clock.ts';
import { introspect, judgeIntrospected } from './introspection.ts';
import type { OidcAuth } from './oidc-config.ts';
import { createProofs, digestOf, type Proof } from './proofs.ts';
import type { Provider, ProviderSource } from './provider-source.ts';
import { CLOCK_TOLERANCE_S, verifyJwt } from './verify-jwt.ts';

export interface OidcTokensDeps {
  readonly source: ProviderSource;
  readonly outbound: () => Promise<Outbound>;
  /** Where opaque tokens are introspected. */
  readonly client?: FollowedClient;
  readonly clock: Clock;
}

/** Node takes 16 KiB for all headers. */
const MAX_TOKEN_CHARS = 12 * 1024;
/** How long the provider's word on an opaque token is taken: what it revokes is good no longer than this. */
const INTROSPECTED_MS = 30_000;
/** Of tokens that it does not know. */
const REFUSED_MS = 10_000;
/** Anyone can send words that have to be asked about; callers who have been let in are none of the many. */
const MAX_STRANGERS_AT_ONCE = 16;

export function createOidcTokens(
  config: OidcAuth,
  { source, outbound, client, clock }: OidcTokensDeps,
): KindAuthenticator {
  const proofs = createProofs();
  const asked = new Map<string, Promise<Principal | Refusal>>();
  let strangers = 0;
  /** Why the provider was not asked about the last token. */
  let unasked: string | undefined;

  const isGood = (proof: Proof): boolean =>
    proof.provider === source.current() && proof.goodUntilMs > clock.now();

  function authenticate(
    token: string,
    connection: object,
  ): Principal | Refusal | Promise<Principal | Refusal> {
    if (token.length > MAX_TOKEN_CHARS) return invalid('the token is too long');
    const provider = source.current();
    if (!provider) return away();
    const credential = Buffer.from(token);
    const known = proofs.recall(credential, connection, isGood);
    if (known) return known.verdict;
    if (provider.find && looksLikeJwt(token)) return verify(token, credential, provider, true);
    if (!client) return invalid('not a token of this provider');
    const digest = digestOf(credential);
    const pending = asked.get(digest);
    if (pending) return pending;
    const isStranger = !proofs.wasAdmitted(digest);
    if (isStranger && strangers >= MAX_STRANGERS_AT_ONCE) return away();
    if (isStranger) strangers++;
    const answer = ask(token, credential, provider).finally(() => {
      asked.delete(digest);
      if (isStranger) strangers--;
    });
    asked.set(digest, answer);
    return answer;
  }

  async function verify(
    token: string,
    credential: Buffer,
    provider: Provider,
    mayRefresh: boolean,
  ): Promise<Principal | Refusal> {
    if (!provider.find) return away();
    // Whose keys nobody has: nor is this provider asked for them.
    if (issuerIn(token) !== config.issuer)
      return invalid('the token\'s claim "iss" is not the one expected here');
    const result = await verifyJwt(token, provider.find, config, clock.now());
    if ('claims' in result) {
      const expiresAtMs = (result.claims.exp ?? 0) * 1000;
      const endsMs = expiresAtMs + CLOCK_TOLERANCE_S * 1000;
      return keep(credential, judgeClaims(result.claims, config), provider, [expiresAtMs, endsMs]);
    }
    if (result.key && mayRefresh) {
      const fresh = await source.refresh();
      if (fresh && fresh !== provider) return verify(token, credential, fresh, false);
      // It may be a key of today's, which nobody can ask for.
      if (result.key === 'unknown' && source.problem() !== undefined) return away();
    }
    return invalid(result.fault);
  }

  async function ask(token: string, credential: Buffer, provider: Provider): Promise<Principal | Refusal> {
    if (!provider.introspectionUrl || !client) return away();
    const answer = await introspect(token, provider.introspectionUrl, { outbound, client });
    unasked =
      'problem' in answer ? `tokens that are no JWTs cannot be checked: ${answer.problem}` : undefined;
    if ('problem' in answer) return away();
    const nowMs = clock.now();
    const judged = judgeIntrospected(answer.claims, config, nowMs);
    if ('fault' in judged)
      return keep(credential, invalid(judged.fault), provider, [nowMs + REFUSED_MS, nowMs]);
    const untilMs = Math.min(nowMs + INTROSPECTED_MS, judged.expiresAtMs);
    // Of a client that acts for nobody many providers leave `sub` out; in a JWT it is the client (RFC 9068 section 2.2).
    const claims = { sub: answer.claims['client_id'], ...answer.claims };
    return keep(credential, judgeClaims(claims, config), provider, [untilMs, untilMs]);
  }

  function keep<T extends Principal | Refusal>(
    credential: Buffer,
    verdict: T,
    provider: Provider,
    [goodUntilMs, endsMs]: readonly [number, number],
  ): T {
    proofs.keep(credential, { verdict, provider, goodUntilMs, endsMs });
    return verdict;
  }

  return {
    kind: 'oidc',
    recognises(credential) {
      if (credential.form === 'jwt') return credential.issuer === config.issuer ? 'yes' : 'no';
      return credential.form === 'opaque' && client ? 'yes' : 'no';
    },
    authenticate(headers, connection) {
      const token = bearerToken(headers);
      return token === undefined
        ? refuse('credentials-missing', undefined, challenge())
        : authenticate(token, connection);
    },
    holds(given) {
      const proof = proofs.of(given);
      return proof !== undefined && proof.provider === source.current() && proof.endsMs > clock.now();
    },
    notReady: () => (source.current() ? undefined : (source.problem() ?? NOT_YET)),
    problems: () =>
      [source.problem() ?? (source.current() ? undefined : NOT_YET), client?.problem() ?? unasked].filter(
        (each) => each !== undefined,
      ),
    close() {
      source.close();
      client?.close();
    },
  };
}

const NOT_YET = 'the OpenID provider has not answered yet';

/** What is wrong names files and addresses; that is for /health, not for a caller whom nobody knows yet. */
const away = (): Refusal => refuse('keys-unavailable', undefined, { 'retry-after': '2' });
const invalid = (words: string): Refusal => refuse('credentials-invalid', words, challenge('invalid_token'));

const looksLikeJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);

/** Nothing of it is believed yet. */
function issuerIn(token: string): unknown {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}
