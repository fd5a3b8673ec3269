import type { IncomingHttpHeaders } from 'node:http';
import { ANONYMOUS, type Principal } from '../principal.ts';
import type { Refusal } from '../reasons.ts';

/** Finds out who calls. Never throws for what a client sent: what is not a principal is a refusal. */
export interface Authenticator {
  authenticate(
    headers: IncomingHttpHeaders,
    connection: object,
  ): Principal | Refusal | Promise<Principal | Refusal>;
  /**
   * Whether what this principal was let in for still is good: a principal that `authenticate` gave stands for the
   * credential that it was proved with. Asked for streams, which may outlive it.
   */
  holds(principal: Principal): boolean;
  /** Undefined once callers can be told apart; until then what is missing. */
  notReady(): string | undefined;
  close(): void;
}

export const anonymousAuthenticator: Authenticator = {
  authenticate: () => ANONYMOUS,
  holds: () => true,
  notReady: () => undefined,
  close: () => undefined,
};

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1). */
export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (
    authorization === undefined ||
    authorization.length < 8 ||
    authorization.slice(0, 7).toLowerCase() !== 'bearer '
  )
    return undefined;
  return authorization.slice(7).trim() || undefined;
}

/** The challenge that goes with a 401 (RFC 6750 section 3). */
export const challenge = (error?: 'invalid_token'): Record<string, string> => ({
  'www-authenticate': error ? `Bearer realm="mcp", error="${error}"` : 'Bearer realm="mcp"',
});
