/** Who a token of an OpenID provider is for, from its claims. Pure. */
import { principal, type Claim, type Principal } from '../../principal.ts';
import { refuse, type Refusal } from '../../reasons.ts';
import { challenge } from '../authenticator.ts';
import type { OidcAuth } from './oidc-config.ts';

type Claims = Readonly<Record<string, unknown>>;
type Config = Pick<
  OidcAuth,
  'issuer' | 'nameClaim' | 'groupsClaim' | 'claims' | 'requiredScopes' | 'allowGroups'
>;

/** Nothing that a provider says reads as another kind's name, or as Kubernetes' own. */
const PREFIX = 'oidc:';
const MAX_NAME_CHARS = 512;
const MAX_ACTORS = 8;

/** @param claims verified */
export function judgeClaims(claims: Claims, config: Config): Principal | Refusal {
  const name = nameIn(claims, config.nameClaim);
  if (typeof name !== 'string') return invalid(name.fault);
  const groups = groupsIn(claims, config.groupsClaim);
  if ('fault' in groups) return invalid(groups.fault);
  const actors = actorsIn(claims['act']);
  if ('fault' in actors) return invalid(actors.fault);
  const scopes = scopesIn(claims);
  const { requiredScopes = [], allowGroups } = config;
  if (allowGroups && !allowGroups.some((each) => groups.includes(each)))
    return refuse('principal-forbidden', `${PREFIX}${name} is in none of the groups that may call`);
  const missing = requiredScopes.filter((each) => !scopes.includes(each));
  if (missing.length > 0) return refuse('scope-insufficient', `it needs ${requiredScopes.join(' ')}`);
  const shown = Object.fromEntries(
    (config.claims ?? []).flatMap((path) => {
      const value = claimAt(claims, path);
      return isClaim(value) ? [[path, value]] : [];
    }),
  );
  return principal({
    kind: 'oidc',
    issuer: config.issuer,
    name: PREFIX + name,
    groups: groups.map((each) => PREFIX + each),
    actors: actors.map((each) => PREFIX + each),
    scopes,
    ...(config.claims ? { claims: shown } : {}),
  });
}

/** @param path a claim of this very name, which may hold dots, or else one in others: `realm_access.roles` */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

function nameIn(claims: Claims, path: string): string | { fault: string } {
  const name = claimAt(claims, path);
  if (!isWord(name)) return { fault: `the token's claim "${path}" names nobody` };
  // Whoever may write any address into a profile is not who has it (OpenID Connect Core, section 5.7).
  if (path === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true)
    return { fault: 'the e-mail address in the token is not verified' };
  return name;
}

/** A rule may deny a group: groups that cannot be read are not none. */
function groupsIn(claims: Claims, path: string): readonly string[] | { fault: string } {
  const groups = claimAt(claims, path);
  if (groups === undefined) {
    // OpenID Connect Core, section 5.6.2; of Entra, for users who have too many.
    const elsewhere = claims['_claim_names'];
    return typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, path)
      ? { fault: `the token's claim "${path}" is elsewhere, as of users with too many groups` }
      : [];
  }
  const list = typeof groups === 'string' ? [groups] : groups;
  return Array.isArray(list) && list.every(isWord)
    ? list
    : { fault: `the token's claim "${path}" is no list of groups` };
}

/** RFC 8693 section 4.1: each may have one in it, before it. */
function actorsIn(act: unknown): readonly string[] | { fault: string } {
  const actors: string[] = [];
  for (let each = act; each !== undefined; each = (each as Claims)['act']) {
    const name = typeof each === 'object' && each !== null ? (each as Claims)['sub'] : undefined;
    if (!isWord(name) || actors.length === MAX_ACTORS)
      return { fault: 'the token\'s claim "act" names nobody' };
    actors.push(name);
  }
  return actors;
}

/** `scope` of RFC 9068, words in one text; `scp` of Entra, which is alike, and of Okta, a list. */
function scopesIn(claims: Claims): readonly string[] {
  const given = [claims['scope'], claims['scp']].flat();
  return [...new Set(given.flatMap((each) => (typeof each === 'string' ? each.split(' ') : [])))].filter(
    (each) => each !== '',
  );
}

const isWord = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  value.length <= MAX_NAME_CHARS &&
  value.isWellFormed() &&
  !/\p{Cc}/u.test(value);

const isClaim = (value: unknown): value is Claim =>
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (Array.isArray(value) && value.every((each) => typeof each === 'string'));

const invalid = (words: string): Refusal => refuse('credentials-invalid', words, challenge('invalid_token'));
