/** Token exchange (RFC 8693) at the provider of tests, which has none of its own: for its own access tokens. */
import { createLocalJWKSet, jwtVerify, type JWK } from 'jose';
import { errors, type ClientMetadata, type Provider } from 'oidc-provider';
import { SECRET } from './oidc-configuration.ts';
import { startProvider, type ProviderOptions, type TestProvider } from './oidc-provider.ts';

export const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const PARAMETERS = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope'];

/** May exchange, and ask for itself. */
const exchanger: ClientMetadata = {
  client_id: 'exchanger',
  client_secret: SECRET,
  grant_types: ['client_credentials', GRANT],
  redirect_uris: [],
  response_types: [],
};

export interface ExchangingProvider extends TestProvider {
  /** Form by form. */
  readonly asked: string[];
  /** Whose tokens are exchanged for none. */
  readonly refusedSubjects: Set<string>;
  /** Seconds that a token lives which it gives in exchange. */
  lifeSeconds: number;
  /** Subjects, in the order in which they were exchanged. */
  readonly exchanged: string[];
}

export async function startExchangingProvider(options: ProviderOptions = {}): Promise<ExchangingProvider> {
  const state = { refusedSubjects: new Set<string>(), lifeSeconds: 600, exchanged: [] as string[] };
  const provider = await startProvider({
    ...options,
    clients: [exchanger],
    extend: (made, keys) => register(made, keys, () => given),
  });
  const given: ExchangingProvider = Object.assign(provider, state);
  return given;
}

function register(provider: Provider, keys: readonly JWK[], state: () => ExchangingProvider): void {
  const key = createLocalJWKSet({
    keys: keys.map(({ kty, n, e, kid, alg }) => ({ kty, n, e, kid, alg }) as JWK),
  });
  provider.registerGrantType(
    GRANT,
    async (ctx) => {
      const { params, client } = ctx.oidc;
      const {
        subject_token: token,
        subject_token_type: type,
        audience,
        scope,
      } = params as Record<string, string>;
      if (type !== ACCESS_TOKEN) throw new errors.InvalidRequest('subject_token_type is not supported');
      const { payload } = await jwtVerify(token ?? '', key, { issuer: provider.issuer }).catch(() => {
        throw new errors.InvalidRequest('subject_token is not valid');
      });
      const { refusedSubjects, lifeSeconds, exchanged } = state();
      if (refusedSubjects.has(payload.sub ?? ''))
        throw new errors.InvalidGrant('the subject may not be exchanged');
      const resource = {
        scope: scope ?? '',
        audience: audience ?? '',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      } as const;
      const made = new provider.AccessToken({
        accountId: payload.sub!,
        client: client!,
        grantId: `exchange-${payload.sub}`,
        gty: GRANT,
        scope: scope ?? '',
        expiresIn: lifeSeconds,
      } as unknown as ConstructorParameters<typeof provider.AccessToken>[0]);
      made.resourceServer = new provider.ResourceServer(audience ?? '', resource);
      exchanged.push(payload.sub!);
      ctx.body = {
        access_token: await made.save(),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: lifeSeconds,
      };
    },
    PARAMETERS,
  );
}
