/** `--as`, `--group` and `--scope` → the caller that is decided for. Pure. */
import { ANONYMOUS, principal, type Principal } from '../../sidecar/principal.ts';
import { usageError } from '../errors.ts';

const SERVICE_ACCOUNT = /^(?:system:serviceaccount:([^:/]+):|([^:/]+)\/)([^:/]+)$/;

/** `NAMESPACE/SERVICEACCOUNT:USER`, of whom a trusted actor says that it asks for it. */
const USER_OF_AGENT = /^([^:/]+)\/([^:/]+):./;

/** @throws {CliError} for a name that no caller of a sidecar has */
export function callerFrom(
  name: string | undefined,
  groups: readonly string[],
  scopes: readonly string[] = [],
): Principal {
  const isOidc = name !== undefined && /^oidc:./.test(name);
  if (scopes.length > 0 && !isOidc)
    throw usageError('--scope needs --as oidc:NAME: other callers have no scopes');
  if (name === undefined || name === ANONYMOUS.name) return { ...ANONYMOUS, groups };
  const [, long, short, account] = SERVICE_ACCOUNT.exec(name) ?? [];
  const namespace = long ?? short;
  if (namespace !== undefined)
    return principal({
      kind: 'kubernetes',
      issuer: '',
      name: `system:serviceaccount:${namespace}:${account}`,
      groups: [
        'system:serviceaccounts',
        `system:serviceaccounts:${namespace}`,
        'system:authenticated',
        ...groups,
      ],
      actors: [],
    });
  const [, agent, ofAgent] = USER_OF_AGENT.exec(name) ?? [];
  if (agent !== undefined)
    return principal({
      kind: 'kubernetes',
      issuer: '',
      name,
      groups,
      actors: [`system:serviceaccount:${agent}:${ofAgent}`],
    });
  if (isOidc) return principal({ kind: 'oidc', issuer: '', name, groups, actors: [], scopes });
  if (/^mtls:./.test(name)) return principal({ kind: 'mtls', issuer: '', name, groups, actors: [] });
  if (/^token:./.test(name)) return principal({ kind: 'token', issuer: '', name, groups, actors: [] });
  throw usageError(
    `invalid argument "${name}" for "--as" flag: expected NAMESPACE/SERVICEACCOUNT, NAMESPACE/SERVICEACCOUNT:USER, oidc:NAME, token:NAME, mtls:NAME or anonymous`,
  );
}
