import { constants } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { ServerOptions } from 'node:http';
import type { SecureContextOptions } from 'node:tls';
import type { ClientTls } from '../auth/authenticator.ts';
import type { ServerConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { type FollowedPair, followTlsPair, MIN_TLS_VERSION } from './tls.ts';

const TLS_HANDSHAKE_MS = 10_000;

/**
 * A listen port with TLS. Where callers show client certificates they are asked for one, and a connection without is
 * taken: who calls, the authenticator says. Binds nothing.
 */
export async function createTlsServer(
  config: NonNullable<ServerConfig['tls']>,
  { options, log, clientTls }: { options: ServerOptions; log: Log; clientTls: ClientTls | undefined },
): Promise<{ http: Server; tls: FollowedPair }> {
  const http = createServer({
    ...options,
    minVersion: MIN_TLS_VERSION,
    handshakeTimeout: TLS_HANDSHAKE_MS,
    ...(clientTls && { requestCert: true, rejectUnauthorized: false }),
  });
  let pair: SecureContextOptions | undefined;
  const use = (): void => {
    if (pair) http.setSecureContext({ ...pair, ...(clientTls && verifying(clientTls)) });
  };
  clientTls?.follow(use);
  const tls = await followTlsPair(
    config,
    (next) => {
      pair = next;
      use();
    },
    log,
  );
  return { http, tls };
}

/** A session that is resumed would bring the verdict of its first handshake with it, and no chain to look at again. */
const verifying = (clientTls: ClientTls): SecureContextOptions => ({
  // None is not the same as absent: that would be the authorities which Node knows.
  ca: [...clientTls.authorities()],
  secureOptions: constants.SSL_OP_NO_TICKET,
});
