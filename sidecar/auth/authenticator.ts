import type { IncomingHttpHeaders } from 'node:http';
import { ANONYMOUS, type Principal } from '../principal.ts';
import type { Refusal } from '../reasons.ts';
import type { Assertions } from './assertions/assertions.ts';
import type { AuthKind } from './auth-config.ts';
import type { Credential } from './credential.ts';

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
  /** Of what callers say for whom they ask. Absent: none may. */
  readonly assertions?: Pick<Assertions, 'open'>;
  /**
   * Of a stream, or of a call whose body took its time: the principal that it was let in with, once the credential is
   * looked at again. Undefined where the credential alone says who it is.
   */
  renew?(
    principal: Principal,
    headers: IncomingHttpHeaders,
    connection: object,
  ): Promise<Principal | Refusal> | undefined;
  /** Where there are several: which of them can tell callers apart. */
  kinds?(): readonly { readonly kind: AuthKind; readonly isReady: boolean }[];
  /** What keeps some of the callers from being told apart, while others are. */
  problems?(): readonly string[];
  /** Of static tokens: which version of them was read last, good or not. */
  tokensRevision?(): string | undefined;
  /** Where callers show client certificates: how the listen port asks for them. */
  readonly clientTls?: ClientTls;
  close(): void;
}

export interface ClientTls {
  /** In PEM: whom certificates must be of. */
  authorities(): readonly string[];
  /** @param told when they are others; for the one who asks last. */
  follow(told: () => void): void;
}

/** Of one kind of credentials, which may stand beside others. */
export interface KindAuthenticator extends Authenticator {
  /** That its principals have. */
  readonly kind: AuthKind;
  /** Whether it is for this kind to judge; `not-yet`: that cannot be told before its keys are there. */
  recognises(credential: Credential, connection: object): 'yes' | 'no' | 'not-yet';
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
