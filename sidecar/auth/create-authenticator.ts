import type { ServerConfig } from '../config.ts';
import type { OutboundDoor } from '../outbound/open-outbound.ts';
import type { SidecarDeps } from '../runtime-deps.ts';
import { kindsOf, type KindConfig } from './auth-config.ts';
import { anonymousAuthenticator, type Authenticator, type KindAuthenticator } from './authenticator.ts';

export type AuthenticatorDeps = Pick<SidecarDeps, 'apiServer' | 'log'> & {
  /** The credential of a caller is no longer good. */
  readonly revoked: () => void;
  /** To providers; one for all that this server asks. */
  readonly outbound: OutboundDoor;
};

/** One for each kind that is configured; what a kind needs is loaded only where it is used. */
export async function createAuthenticator(
  { auth }: Pick<ServerConfig, 'auth'>,
  deps: AuthenticatorDeps,
): Promise<Authenticator> {
  const kinds = kindsOf(auth);
  const made = await Promise.all(kinds.map((kind) => createKind(kind, deps)));
  const [first] = made;
  if (!first) return anonymousAuthenticator;
  if (made.length === 1) return first;
  const { createSeveral } = await import('./several.ts');
  return createSeveral(made);
}

async function createKind(kind: KindConfig, deps: AuthenticatorDeps): Promise<KindAuthenticator> {
  const { log, revoked, outbound } = deps;
  switch (kind.mode) {
    case 'token': {
      const { createStaticTokens } = await import('./static-tokens.ts');
      return createStaticTokens(kind, { log, revoked });
    }
    case 'kubernetes': {
      // TLS and JOSE are a third of the sidecar's memory.
      const { createKubernetes } = await import('./create-kubernetes.ts');
      return createKubernetes(kind, deps);
    }
    case 'oidc': {
      const { createOidc } = await import('./oidc/create-oidc.ts');
      return createOidc(kind, { outbound: outbound.open, log });
    }
    case 'mtls': {
      const { createClientCertificates } = await import('./mtls/client-certificates.ts');
      return createClientCertificates(kind, { log, revoked });
    }
  }
}
