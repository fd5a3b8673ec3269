/** What a client is told when the server cannot be given its credential. Why it is so is the pod owner's to read. */
import type { ServerConfig } from '../../config.ts';
import { refuse, type Refusal } from '../../reasons.ts';
import type { UpstreamFault } from '../upstream-error.ts';

type TokenFault = Extract<UpstreamFault, `token-${string}`>;

const REFUSAL = {
  'token-refused': { reason: 'upstream-token-refused', headers: undefined },
  'token-unusable': { reason: 'upstream-token-unusable', headers: undefined },
  'token-unavailable': { reason: 'upstream-token-unavailable', headers: { 'retry-after': '5' } },
} as const satisfies Record<TokenFault, unknown>;

export const isTokenFault = (fault: UpstreamFault): fault is TokenFault => fault.startsWith('token-');

export function tokenRefusal({ name }: Pick<ServerConfig, 'name'>, fault: TokenFault): Refusal {
  const { reason, headers } = REFUSAL[fault];
  return refuse(reason, `server ${name}`, headers);
}
