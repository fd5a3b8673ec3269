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
  server: ServerConfig,
  deps: AuthenticatorDeps,
): Promise<Authenticator> {
  const kinds = kindsOf(server.auth);
  const made = await Promise.all(kinds.map((kind) => createKind(kind, server, deps)));
  const [first] = made;
  if (!first) return anonymousAuthenticator;
  if (made.length === 1) return first;
  const { createSeveral } = await import('./several.ts');
  return createSeveral(made);
}

async function createKind(
  kind: KindConfig,
  _server: ServerConfig,
  { apiServer, log, revoked, outbound }: AuthenticatorDeps,
): Promise<KindAuthenticator> {
  switch (kind.mode) {
    case 'token': {
      const { createStaticTokens } = await import('./static-tokens.ts');
      return createStaticTokens(kind, { log, revoked });
    }
    case 'kubernetes': {
      if (!apiServer)
        throw new Error('auth kubernetes needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT');
      // TLS and JOSE are a third of the sidecar's memory.
      const [{ createKubernetesTokens }, { createClusterIssuer }] = await Promise.all([
        import('./kubernetes-tokens.ts'),
        import('./cluster-issuer.ts'),
      ]);
      return createKubernetesTokens(kind, createClusterIssuer(apiServer, kind.directory));
    }
    case 'oidc': {
      const { createOidc } = await import('./oidc/create-oidc.ts');
      return createOidc(kind, { outbound: outbound.open, log });
    }
    case 'mtls':
      throw new Error(`auth ${kind.mode} is not there yet`);
  }
}
