/** What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414). Pure. */

export interface ProviderMetadata {
  readonly jwksUrl?: string;
  readonly introspectionUrl?: string;
}

/**
 * Where the document of an issuer is, in the order of asking: behind its path as OpenID Connect has it (section 4), and
 * between its host and its path as RFC 8414 does (section 3.1).
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/**
 * @param where for messages
 * @throws when it is of another issuer: its keys would be somebody else's (RFC 8414 section 3.3)
 */
export function readMetadata(body: Buffer, issuer: string, where: string): ProviderMetadata {
  const document = jsonObject(body, where);
  if (typeof document['issuer'] !== 'string') throw new Error(`${where} names no issuer`);
  if (document['issuer'] !== issuer) {
    throw new Error(
      `${where} is of the issuer ${JSON.stringify(document['issuer'].slice(0, 300))}, not of ${JSON.stringify(issuer)}: they must be equal to the letter`,
    );
  }
  const [jwksUrl, introspectionUrl] = ['jwks_uri', 'introspection_endpoint'].map((key) =>
    urlIn(document, key, issuer, where),
  );
  return { ...(jwksUrl && { jwksUrl }), ...(introspectionUrl && { introspectionUrl }) };
}

/** @throws when it is none */
export function jsonObject(body: Buffer, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Error(`${where} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where} is not a JSON object`);
  return value as Record<string, unknown>;
}

/** Of https, unless the issuer itself is not: what is read there decides who is let in. */
function urlIn(
  document: Record<string, unknown>,
  key: string,
  issuer: string,
  where: string,
): string | undefined {
  const text = document[key];
  if (text === undefined) return undefined;
  const url = typeof text === 'string' ? URL.parse(text) : null;
  const schemes = ['https:', new URL(issuer).protocol];
  if (!url || !schemes.includes(url.protocol) || url.username !== '')
    throw new Error(`${where} names as ${key} what is no URL of https`);
  return url.href;
}
