import { bearerToken } from '../../auth/authenticator.ts';
import type { Exchange } from '../../exchange.ts';
import type { HttpPool } from '../http-pool.ts';

/** What a caller has brought that the server's credential is made of. */
export interface Caller {
  /** Digest of the principal: whose requests it may go with. */
  readonly owner: string;
  readonly token?: string;
  /** RFC 8693 section 3. */
  readonly type: 'urn:ietf:params:oauth:token-type:access_token' | 'urn:ietf:params:oauth:token-type:jwt';
  /** Why there is no token. */
  readonly lacks?: string;
}

/** RFC 6750 section 2.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Of a service account's token, which no authorization server of the provider's has issued. */
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

/** Undefined where the server gets nothing that is the caller's. */
export function callerOf({ server, head, principal }: Exchange): Caller | undefined {
  const { token: config } = server.upstream;
  if (!config || config.mode === 'client-credentials') return undefined;
  const owner = principal.digest;
  const type = principal.kind === 'kubernetes' ? JWT : ACCESS_TOKEN;
  // The token is the actor's, who may ask for more than the user may.
  if (head.headers['mcp-user-assertion'] !== undefined)
    return { owner, type, lacks: 'the caller acts for a user, of whom there is no token' };
  const token = bearerToken(head.headers);
  return token !== undefined && TOKEN.test(token)
    ? { owner, type, token }
    : { owner, type, lacks: 'the caller has brought no token' };
}

/** The sidecar's own requests that are made for a caller: with this caller's credential, where the server is given one. */
export function callersPool(pool: HttpPool, exchange: Exchange): HttpPool {
  const caller = callerOf(exchange);
  if (!caller) return pool;
  const { owner } = caller;
  return {
    send: (request, events) => pool.send({ ...request, owner, caller }, events),
    close: () => undefined,
  };
}
