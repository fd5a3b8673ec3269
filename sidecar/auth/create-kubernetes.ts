import type { Principal } from '../principal.ts';
import { refuse } from '../reasons.ts';
import type { AuthenticatorDeps } from './create-authenticator.ts';
import type { Assertions } from './assertions/assertions.ts';
import type { KubernetesAuth } from './auth-config.ts';
import type { KindAuthenticator } from './authenticator.ts';
import { createClusterIssuer, readAccount } from './cluster-issuer.ts';
import { createKubernetesTokens } from './kubernetes-tokens.ts';
import type { TokenReviews } from './token-reviews.ts';

type Deps = Pick<AuthenticatorDeps, 'apiServer' | 'log' | 'revoked'>;

/** `auth: kubernetes`, with what it is to ask or to believe beside. */
export async function createKubernetes(config: KubernetesAuth, deps: Deps): Promise<KindAuthenticator> {
  const { apiServer, log, revoked } = deps;
  if (!apiServer)
    throw new Error('auth kubernetes needs KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT');
  const reviews = config.verify === 'tokenreview' ? await openReviews(config, { apiServer, log }) : undefined;
  const issuer = createClusterIssuer(apiServer, config.directory);
  const tokens = createKubernetesTokens(config, issuer, reviews ? { reviews } : {});
  if (!config.trustedActors) return tokens;
  const { createAssertions } = await import('./assertions/assertions.ts');
  const { audience, trustedActors } = config;
  return withAssertions(tokens, await createAssertions({ ...trustedActors, audience }, { log, revoked }));
}

async function openReviews(
  { audience, directory }: KubernetesAuth,
  { apiServer, log }: Pick<Deps, 'log'> & { readonly apiServer: NonNullable<Deps['apiServer']> },
): Promise<TokenReviews> {
  const [{ createApiServer }, { createTokenReviews }] = await Promise.all([
    import('../access/ask-api-server.ts'),
    import('./token-reviews.ts'),
  ]);
  const asked = createApiServer(apiServer, directory, MAX_PARALLEL);
  const ownToken = (): string => readAccount(directory).token;
  const reviews = createTokenReviews(audience, { post: asked.post, ownToken, log });
  return {
    ...reviews,
    close() {
      reviews.close();
      asked.close();
    },
  };
}

/** Questions at a time; connections are as many. */
const MAX_PARALLEL = 8;

/** A user is let in with the credential of the actor that speaks for it, and lasts as long as that. */
function withAssertions(tokens: KindAuthenticator, assertions: Assertions): KindAuthenticator {
  const isUser = ({ actors }: Principal): boolean => actors.length > 0;
  return {
    ...tokens,
    assertions,
    holds(given) {
      if (!isUser(given)) return tokens.holds(given);
      const actor = assertions.actorOf(given);
      return actor !== undefined && tokens.holds(actor);
    },
    renew(given, headers, connection) {
      if (!isUser(given)) return undefined;
      return Promise.resolve(tokens.authenticate(headers, connection)).then((found) => {
        const actor = assertions.actorOf(given);
        if ('reason' in found) return found;
        if (found.digest !== actor?.digest) return refuse('actor-untrusted');
        assertions.renew(given, found);
        return given;
      });
    },
    problems: () => [tokens.notReady(), assertions.problem()].filter((each) => each !== undefined),
    close() {
      tokens.close();
      assertions.close();
    },
  };
}
