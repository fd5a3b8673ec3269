/** The credential that each request to the server is given. Loaded where one is configured. */
import { hash } from 'node:crypto';
import type { Log } from '../../log.ts';
import type { OutboundDoor } from '../../outbound/open-outbound.ts';
import type { HttpPool } from '../http-pool.ts';
import { UpstreamError } from '../upstream-error.ts';
import type { Caller } from './caller.ts';
import { createCredentialCache } from './credential-cache.ts';
import { credentialedPool, type Credential } from './credentialed-pool.ts';
import { createTokenSource } from './token-source.ts';
import type { UpstreamTokenConfig } from './token-config.ts';

export interface UpstreamToken {
  /** The same pool, whose requests carry a token each. */
  over(pool: HttpPool): HttpPool;
  /** For the owner of the pod. */
  problem(): string | undefined;
  close(): void;
}

/** Of the proxy's own: no digest is empty. */
const OWN = '';

export async function openUpstreamToken(
  config: UpstreamTokenConfig,
  deps: {
    readonly outbound: OutboundDoor;
    readonly log: Log;
    readonly server: string;
    readonly faulted: (error: unknown) => void;
  },
): Promise<UpstreamToken> {
  const { mode, url, client } = config;
  const cache = createCredentialCache();
  const source =
    url === undefined || client === undefined
      ? undefined
      : await createTokenSource({ ...config, url, client }, deps, () => cache.retry());

  const credential: Credential = {
    of(caller) {
      if (!caller) return source ? cache.get(OWN, () => source.grant()) : undefined;
      const { token, lacks } = caller;
      if (token === undefined) throw new UpstreamError(lacks ?? 'there is no token', 'token-refused');
      return mode === 'caller' || !source ? token : cache.get(keyOf(caller), () => source.grant(caller));
    },
    // What the caller has brought is the caller's to renew.
    refused: (caller, token) =>
      source !== undefined &&
      !(caller && mode === 'caller') &&
      cache.refused(caller ? keyOf(caller) : OWN, token),
  };

  return {
    over: (pool) =>
      credentialedPool(pool, credential, { isOwn: mode === 'client-credentials', faulted: deps.faulted }),
    problem: () => source?.problem(),
    close() {
      source?.close();
      cache.close();
    },
  };
}

/** One principal may have tokens that allow different things. */
const keyOf = ({ owner, token = '' }: Caller): string => hash('sha256', `${owner} ${token}`, 'base64url');
