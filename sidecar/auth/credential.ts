/** What a request shows, by its form: nothing of it is believed. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import { bearerToken } from './authenticator.ts';

export type Credential =
  /** A JWS in compact form (RFC 7515 section 3.1) that names its issuer. */
  | { readonly form: 'jwt'; readonly token: string; readonly issuer: string }
  | { readonly form: 'opaque'; readonly token: string }
  | { readonly form: 'x-mcp-auth'; readonly token: string }
  /** No header: perhaps a client certificate in the TLS handshake. */
  | { readonly form: 'certificate' };

/** Longer ones are no tokens: nobody decodes them. */
const MAX_JWT_CHARS = 16_384;

export function credentialOf(headers: IncomingHttpHeaders): Credential | undefined {
  const token = bearerToken(headers);
  if (token !== undefined) {
    const issuer = issuerIn(token);
    return issuer === undefined ? { form: 'opaque', token } : { form: 'jwt', token, issuer };
  }
  const other = headers['x-mcp-auth'];
  if (typeof other === 'string' && other !== '') return { form: 'x-mcp-auth', token: other };
  // An Authorization header of another scheme is not an absent one.
  return headers.authorization === undefined ? { form: 'certificate' } : undefined;
}

/** `iss` of the payload; undefined for what is no JWT or names no issuer. */
function issuerIn(token: string): string | undefined {
  if (token.length > MAX_JWT_CHARS) return undefined;
  const [header, payload, signature, ...others] = token.split('.');
  if (!header || !payload || signature === undefined || others.length > 0) return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iss?: unknown };
    return typeof iss === 'string' && iss !== '' ? iss : undefined;
  } catch {
    return undefined;
  }
}
