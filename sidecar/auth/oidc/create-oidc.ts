import type { Log } from '../../log.ts';
import { followOauthClient } from '../../outbound/oauth-client.ts';
import type { Outbound } from '../../outbound/outbound.ts';
import type { KindAuthenticator } from '../authenticator.ts';
import { systemClock, type Clock } from './clock.ts';
import type { OidcAuth } from './oidc-config.ts';
import { createOidcTokens } from './oidc-tokens.ts';
import { createProviderSource } from './provider-source.ts';

/** The provider is asked from now on; nobody waits for its answer here. */
export async function createOidc(
  config: OidcAuth,
  { outbound, log, clock = systemClock }: { outbound: () => Promise<Outbound>; log: Log; clock?: Clock },
): Promise<KindAuthenticator> {
  const client = config.introspection && (await followOauthClient(config.introspection, log));
  const source = createProviderSource(config, { outbound, log, clock });
  return createOidcTokens(config, { source, outbound, clock, ...(client && { client }) });
}
