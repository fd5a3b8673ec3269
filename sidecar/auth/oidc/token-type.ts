/** Whether a token is one for calling servers, and not another that the same provider has signed. Pure. */

type Fields = Readonly<Record<string, unknown>>;

/** RFC 9068 section 2.1; most providers write JWT, or nothing. */
const HEADER_TYPES = ['at+jwt', 'jwt'];
/** Keycloak says in the payload what else it signs. */
const OTHER_PAYLOADS = ['refresh', 'offline', 'logout', 'initialaccesstoken', 'registrationaccesstoken'];

/**
 * @returns what is wrong. Tokens that are told apart by nothing but their audience are left to the audience.
 */
export function wrongType(header: Fields, claims: Fields): string | undefined {
  const typ = lower(header['typ'])?.replace(/^application\//, '');
  // RFC 8725 section 3.11: what is said to be for something else is not taken for this.
  if (typ !== undefined && !HEADER_TYPES.includes(typ)) return 'the token is of another type (typ)';
  const isMarked = typ === 'at+jwt';
  // OpenID Connect Core, section 3.1.3.6: they bind an ID token to what was given with it. `token_use`: Cognito.
  const isIdToken =
    (!isMarked && ['at_hash', 'c_hash'].some((name) => Object.hasOwn(claims, name))) ||
    lower(claims['typ']) === 'id' ||
    lower(claims['token_use']) === 'id';
  if (isIdToken) return 'an ID token says who has signed in; calls need an access token';
  if (OTHER_PAYLOADS.includes(lower(claims['typ']) ?? '')) return 'the token is of another type (typ)';
  // RFC 9449, RFC 8705: good only with proof of a key, which is not looked at here.
  if (Object.hasOwn(claims, 'cnf')) return 'the token is bound to a key (cnf), which cannot be proved here';
  return undefined;
}

const lower = (value: unknown): string | undefined =>
  value === undefined ? undefined : typeof value === 'string' ? value.toLowerCase() : '';
