/**
 * What clients of OAuth need to find who gives them tokens: the metadata of a protected resource (RFC 9728), and the
 * header that leads there (RFC 6750 section 3; MCP, authorization, in the revisions since 2025-06-18).
 */
import { REASONS, type Refusal } from '../reasons.ts';
import { kindsOf } from './auth-config.ts';
import type { ServerConfig } from '../config.ts';
import type { RequestHead } from '../exchange.ts';

export const METADATA_PATH = '/.well-known/oauth-protected-resource';

export interface ProtectedResource {
  /** The document at a path; undefined: there is none. @param host of the request, an allowed one */
  document(path: string, host: string | undefined): string | undefined;
  /** Whether the document depends on nothing but the configuration. */
  readonly isFixed: boolean;
  /**
   * The refusal, with a challenge where it has one. Others are as they were.
   * @param scopes that the operation takes, besides those that every call does
   */
  challenged(
    refusal: Refusal,
    head: Pick<RequestHead, 'path' | 'headers'>,
    scopes?: readonly string[],
  ): Refusal;
}

interface Options {
  /** Those that the server answers at. */
  readonly paths: readonly string[];
  /** Whether any host is: then none of them tells where this server is. */
  readonly anyHost: boolean;
}

/** The identifier of a server that has a public URL, as clients and their tokens name it (RFC 8707, MCP: without a slash at the end). */
export const resourceOf = (publicUrl: string): string => publicUrl.replace(/\/$/, '');

/** Undefined: nobody of this server's callers has a token of an OpenID provider. */
export function createProtectedResource(
  { name, auth, publicUrl, tls }: Pick<ServerConfig, 'name' | 'auth' | 'publicUrl' | 'tls'>,
  { paths, anyHost }: Options,
): ProtectedResource | undefined {
  const oidc = kindsOf(auth).find((each) => each.mode === 'oidc');
  if (!oidc) return undefined;
  const asked = oidc.scopes ?? oidc.requiredScopes ?? [];
  const own = publicUrl === undefined ? undefined : resourceOf(publicUrl);
  const ownPath = own === undefined ? '' : new URL(own).pathname.replace(/\/$/, '');
  const known = new Set(['', ...paths, ownPath].map((each) => `${METADATA_PATH}${each}`));

  /** What a header names is where the client has found us: in the cluster, or through a port-forward. */
  const originOf = (host: string | undefined): string | undefined =>
    host === undefined || anyHost ? undefined : URL.parse(`${tls ? 'https' : 'http'}://${host}`)?.origin;

  function metadataUrl({
    path,
    headers: { host },
  }: Pick<RequestHead, 'path' | 'headers'>): string | undefined {
    const origin = own === undefined ? originOf(host) : new URL(own).origin;
    return origin && new URL(`${METADATA_PATH}${own === undefined ? path : ownPath}`, origin).href;
  }

  return {
    isFixed: own !== undefined,
    document(path, host) {
      if (!known.has(path)) return undefined;
      const origin = originOf(host);
      const resource = own ?? (origin && `${origin}${path.slice(METADATA_PATH.length)}`);
      if (resource === undefined) return undefined;
      return JSON.stringify({
        resource,
        authorization_servers: [oidc.issuer],
        // The least that a call takes: what single tools take is told when they are called (MCP, Scope Minimization),
        // and to no one before.
        ...(asked.length > 0 ? { scopes_supported: asked } : {}),
        bearer_methods_supported: ['header'],
        resource_name: name,
      });
    },
    challenged(refusal, head, scopes = []) {
      const error = ERRORS[refusal.reason];
      if (error === undefined) return refusal;
      const needed = [...new Set([...asked, ...scopes])];
      const parameters = {
        realm: 'mcp',
        // Whoever has shown nothing is told of no error (RFC 6750 section 3.1).
        ...(error && { error, error_description: describedBy(refusal) }),
        ...(needed.length > 0 && { scope: needed.join(' ') }),
        resource_metadata: metadataUrl(head),
      };
      const pairs = Object.entries(parameters).flatMap(([key, value]) =>
        value === undefined ? [] : [`${key}="${value}"`],
      );
      return {
        ...refusal,
        headers: { ...refusal.headers, 'www-authenticate': `Bearer ${pairs.join(', ')}` },
      };
    },
  };
}

const ERRORS: Partial<Record<Refusal['reason'], string>> = {
  'credentials-missing': '',
  'credentials-invalid': 'invalid_token',
  'scope-insufficient': 'insufficient_scope',
};

/** RFC 6750 section 3: neither quotes nor backslashes, nor what is not ASCII. */
const describedBy = ({ reason, detail }: Refusal): string =>
  [REASONS[reason].message, ...(detail ? [detail] : [])]
    .join(': ')
    .replaceAll('"', "'")
    .replaceAll(/[^\u0020\u0021\u0023-\u005b\u005d-\u007e]/g, '?')
    .slice(0, 256);
