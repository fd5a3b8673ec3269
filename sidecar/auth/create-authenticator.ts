import type { ServerConfig } from '../config.ts';
import type { SidecarDeps } from '../server-runtime.ts';
import { anonymousAuthenticator, type Authenticator } from './authenticator.ts';

/** @param revoked the credential of a caller is no longer good */
export async function createAuthenticator(
  { auth }: ServerConfig,
  { apiServer, log }: Pick<SidecarDeps, 'apiServer' | 'log'>,
  revoked: () => void,
): Promise<Authenticator> {
  if (auth.mode === 'none') return anonymousAuthenticator;
  if (auth.mode === 'token') {
    const { createStaticTokens } = await import('./static-tokens.ts');
    return createStaticTokens(auth, { log, revoked });
  }
  if (!apiServer)
    throw new Error('auth kubernetes needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT');
  // TLS and JOSE are a third of the sidecar's memory: loaded only where they are used.
  const [{ createKubernetesTokens }, { createClusterIssuer }] = await Promise.all([
    import('./kubernetes-tokens.ts'),
    import('./cluster-issuer.ts'),
  ]);
  return createKubernetesTokens(auth, createClusterIssuer(apiServer, auth.directory));
}
