/** What the provider of tests is configured with, and who signs in at it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import type { ClientMetadata, Configuration, Provider } from 'oidc-provider';

/** Of `agent`, `opaque-agent` and `proxy`. */
export const SECRET = 'a-secret-of-clients-of-tests';
const SCOPES = ['mcp:tools', 'mcp:admin'];

const service = (client_id: string): ClientMetadata => ({
  client_id,
  client_secret: SECRET,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
});

const clientsOf = (): ClientMetadata[] => [
  service('agent'),
  service('opaque-agent'),
  // Who asks about others' tokens.
  service('proxy'),
  {
    client_id: 'browser',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1/callback'],
    application_type: 'native',
  },
];

export function configurationOf(
  state: { readonly claims: Record<string, unknown> },
  {
    keys,
    ttlSeconds,
    clients = [],
  }: {
    readonly keys: JWK[];
    readonly ttlSeconds: number;
    readonly clients?: readonly ClientMetadata[] | undefined;
  },
): Configuration {
  return {
    jwks: { keys } as NonNullable<Configuration['jwks']>,
    clients: [...clientsOf(), ...clients],
    scopes: ['openid', 'offline_access', ...SCOPES],
    extraClientMetadata: {
      properties: ['any_scope'],
      // The SDKs register with the scopes of their first call, and ask for more later.
      validator: (_context, _key, _value, metadata) => void delete metadata.scope,
    },
    // Not every client asks for offline_access.
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    cookies: { keys: ['of tests'] },
    ttl: {
      AccessToken: ttlSeconds,
      ClientCredentials: ttlSeconds,
      IdToken: ttlSeconds,
      Grant: 3_600,
      Session: 3_600,
      Interaction: 3_600,
      RefreshToken: 3_600,
    },
    extraTokenClaims: () => state.claims,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId !== 'browser' },
      revocation: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource, client) => ({
          scope: SCOPES.join(' '),
          audience: resource,
          accessTokenTTL: ttlSeconds,
          accessTokenFormat: client.clientId === 'opaque-agent' ? 'opaque' : 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}

/** Signs in and consents to whatever is asked for. */
export async function finishInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  accountId: string,
): Promise<void> {
  const { prompt, params, grantId, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId } });
  const known = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant =
    known ??
    new provider.Grant({
      accountId: session?.accountId ?? accountId,
      clientId: params['client_id'] as string,
    });
  grant.addOIDCScope(['openid', 'offline_access', ...SCOPES].join(' '));
  const resources = [params['resource'] ?? []].flat() as string[];
  for (const resource of resources) grant.addResourceScope(resource, SCOPES.join(' '));
  return provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  );
}
