import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '../principal.ts';
import { refuse, type Refusal } from '../reasons.ts';
import type { AuthKind } from './auth-config.ts';
import { challenge, type Authenticator, type KindAuthenticator } from './authenticator.ts';
import { credentialOf, type Credential } from './credential.ts';

/** A token that names its issuer is of that issuer, whatever else it may be; what names none may be one that is known. */
const ORDER: Readonly<Record<Credential['form'], readonly AuthKind[]>> = {
  jwt: ['kubernetes', 'oidc', 'token'],
  opaque: ['token', 'oidc'],
  'x-mcp-auth': ['token'],
  certificate: ['mtls'],
};

/**
 * Several kinds of credentials: its form says which kind judges one, and that kind alone does. What it refuses is
 * refused, for a credential that others may try as well is only as hard to forge as the easiest of them.
 */
export function createSeveral(kinds: readonly KindAuthenticator[]): Authenticator {
  const byKind = new Map(kinds.map((each) => [each.kind, each]));
  const assertions = byKind.get('kubernetes')?.assertions;
  const tokensRevision = byKind.get('token')?.tokensRevision;
  const clientTls = byKind.get('mtls')?.clientTls;

  /**
   * Of a kind whose keys are not there yet it cannot be said that a credential is not its own: it is shown to none that
   * takes what is left, and might tell it to a provider.
   */
  function choose(credential: Credential, connection: object): KindAuthenticator | 'nobody' | 'not-yet' {
    let isOpen = false;
    for (const kind of ORDER[credential.form]) {
      const candidate = byKind.get(kind);
      const recognised = candidate?.recognises(credential, connection);
      // The issuer of a provider is written in the configuration, and waits for no keys.
      const isCertain = credential.form === 'jwt' && kind === 'oidc';
      if (recognised === 'yes' && (!isOpen || isCertain)) return candidate!;
      if (recognised === 'not-yet') isOpen = true;
    }
    return isOpen ? 'not-yet' : 'nobody';
  }

  function authenticate(
    headers: IncomingHttpHeaders,
    connection: object,
  ): Principal | Refusal | Promise<Principal | Refusal> {
    const credential = credentialOf(headers);
    if (credential === undefined) return refuse('credentials-missing', undefined, challenge());
    const kind = choose(credential, connection);
    if (kind === 'not-yet') return refuse('keys-unavailable', undefined, { 'retry-after': '2' });
    if (kind === 'nobody' && credential.form === 'certificate')
      return refuse('credentials-missing', undefined, challenge());
    if (kind === 'nobody')
      return refuse(
        'credentials-invalid',
        'the token is of none of the kinds that are taken here',
        challenge('invalid_token'),
      );
    return kind.authenticate(headers, connection);
  }

  return {
    authenticate,
    holds: (given) => kinds.find(({ kind }) => kind === given.kind)?.holds(given) ?? false,
    ...(assertions ? { assertions } : {}),
    renew: (given, headers, connection) =>
      byKind.get(given.kind as AuthKind)?.renew?.(given, headers, connection),
    // While one kind can tell its callers, they are served; `problems` names the others.
    notReady: () => {
      const problems = kinds.map((each) => each.notReady());
      return problems.every((each) => each !== undefined) ? problems.join('; ') : undefined;
    },
    ...(tokensRevision ? { tokensRevision } : {}),
    ...(clientTls ? { clientTls } : {}),
    kinds: () => kinds.map(({ kind, notReady }) => ({ kind, isReady: notReady() === undefined })),
    problems: () => kinds.flatMap((each) => each.problems?.() ?? each.notReady() ?? []),
    close: () => kinds.forEach((each) => each.close()),
  };
}
