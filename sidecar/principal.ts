import { hash } from 'node:crypto';

/** Who calls. Names from any source but Kubernetes carry a prefix, so that no claim can read `system:…`. */
export interface Principal {
  readonly kind: 'kubernetes' | 'oidc' | 'token' | 'mtls' | 'anonymous';
  /** Issuer of the token, or the Secret that it stands in. */
  readonly issuer: string;
  /** `system:serviceaccount:NAMESPACE:NAME`, `oidc:NAME`, `token:KEY`, `mtls:NAME`, or `anonymous`. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Who acts for the principal, nearest first (RFC 8693 section 4.1); empty when the principal acts itself. */
  readonly actors: readonly string[];
  /** What the token was given for: `scope` (RFC 8693 section 4.2) or `scp` of it. */
  readonly scopes?: readonly string[];
  /** Of the token, those that the configuration names. */
  readonly claims?: Readonly<Record<string, Claim>>;
  /** SHA-256 over what identifies the principal; sessions are bound to it. */
  readonly digest: string;
}

export type Claim = string | number | boolean | readonly string[];

export const ANONYMOUS = principal({
  kind: 'anonymous',
  issuer: '',
  name: 'anonymous',
  groups: [],
  actors: [],
});

export function principal(fields: Omit<Principal, 'digest'>): Principal {
  const identity = JSON.stringify([fields.kind, fields.issuer, fields.name, fields.actors]);
  return { ...fields, digest: hash('sha256', identity, 'base64url') };
}
