import type { Log } from '../../log.ts';
import { followOauthClient } from '../../outbound/oauth-client.ts';
import type { OutboundDoor } from '../../outbound/open-outbound.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { Caller } from './caller.ts';
import { tokenAnswer, type Granted } from './token-answer.ts';
import type { UpstreamTokenConfig } from './token-config.ts';
import { tokenRequest } from './token-request.ts';

export interface TokenSource {
  /**
   * Asks the token endpoint.
   * @param caller whose token is exchanged; without one the proxy asks for itself
   * @throws {UpstreamError} `token-refused`, `token-unusable` or `token-unavailable`
   */
  grant(caller?: Caller): Promise<Granted>;
  /** For the owner of the pod. */
  problem(): string | undefined;
  close(): void;
}

export type TokenSourceConfig = UpstreamTokenConfig & Required<Pick<UpstreamTokenConfig, 'url' | 'client'>>;

const MAX_BYTES = 64 * 1024;

/** @param changed the client has other credentials */
export async function createTokenSource(
  config: TokenSourceConfig,
  { outbound, log, server }: { outbound: OutboundDoor; log: Log; server: string },
  changed: () => void,
): Promise<TokenSource> {
  const { origin } = new URL(config.url);
  const client = await followOauthClient(config.client, log, changed);
  let problem: string | undefined;

  async function ask(caller: Caller | undefined): Promise<Granted> {
    const known = client.current();
    if (!known) throw new UpstreamError('the client of the proxy is not known', 'token-unavailable');
    const { request } = await outbound.open();
    const answer = await request({
      url: config.url,
      method: 'POST',
      ...tokenRequest(config, known, caller),
      maxBytes: MAX_BYTES,
    });
    return tokenAnswer(answer, caller !== undefined);
  }

  return {
    async grant(caller) {
      try {
        const granted = await ask(caller);
        problem = undefined;
        return granted;
      } catch (error) {
        const known = error instanceof UpstreamError;
        const { message, fault } = known
          ? error
          : new UpstreamError((error as Error).message, 'token-unavailable');
        const words = message.startsWith(origin) ? message : `${origin}: ${message}`;
        const grant = caller ? 'token exchange' : 'client credentials';
        log('upstream_token_failed', { server, grant, fault, error: words });
        // What one caller is refused is no fault of the configuration.
        if (fault !== 'token-refused') problem = `no token for the server by ${grant}: ${words}`;
        throw new UpstreamError(words, fault);
      }
    },
    problem() {
      const ofClient = client.problem();
      return ofClient === undefined ? problem : `no token for the server: ${ofClient}`;
    },
    close: () => client.close(),
  };
}
