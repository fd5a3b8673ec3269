/** Callers on the command line, as bindings and reviews name them. Pure. */
import type { RbacV1Subject } from '@kubernetes/client-node';
import type { Subject } from '../../sidecar/access/attributes.ts';
import { usageError } from '../errors.ts';

const RBAC = 'rbac.authorization.k8s.io';
const SERVICE_ACCOUNT = /^(?:system:serviceaccount:([^:/]+):|(?:sa:)?([^:/]+)\/)([^:/]+)$/;
const NOBODY: Subject = { user: 'system:anonymous', groups: ['system:unauthenticated'] };

interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** undefined: no service account */
export function accountIn(text: string): Account | undefined {
  const [, long, short, name] = SERVICE_ACCOUNT.exec(text) ?? [];
  const namespace = long ?? short;
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** As impersonation does: a service account is in its groups without a word. */
export function subjectFrom(name: string, groups: readonly string[]): Subject {
  const account = accountIn(name);
  if (account)
    return {
      user: `system:serviceaccount:${account.namespace}:${account.name}`,
      groups: [
        'system:serviceaccounts',
        `system:serviceaccounts:${account.namespace}`,
        'system:authenticated',
        ...groups,
      ],
    };
  if (name === 'anonymous' || name === NOBODY.user)
    return { ...NOBODY, groups: [...NOBODY.groups, ...groups] };
  return { user: name, groups };
}

/** `sa:NAMESPACE/NAME`, `user:NAME` or `group:NAME`. @throws {CliError} */
export function bindingSubject(text: string): RbacV1Subject {
  const account = accountIn(text);
  if (account) return { kind: 'ServiceAccount', ...account };
  const [, kind, name] = /^(user|group):(.+)$/.exec(text) ?? [];
  if (kind === undefined || name === undefined)
    throw usageError(
      `invalid argument "${text}" for "--to" flag: expected sa:NAMESPACE/NAME, user:NAME or group:NAME`,
    );
  return { apiGroup: RBAC, kind: kind === 'user' ? 'User' : 'Group', name };
}
