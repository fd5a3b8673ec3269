/**
 * The Role and the binding by which the pods' proxies may ask who may call what. Pure.
 *
 * `authorization: kubernetes` needs them before the pods: a proxy that may not ask refuses every call.
 */
import type { KubernetesObject, V1Role, V1RoleBinding } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';
import { PREFIX } from '../../webhook/names.ts';
import type { Change } from './change.ts';
import { isOwned, ownedMetadata } from './owned.ts';
import { objectName, serversIn, type Workload } from './workload.ts';

export const accessRoleName = (name: string): string => `${name}-mcp-access`;

const RBAC = 'rbac.authorization.k8s.io';
const IDENTITY = { apiVersion: `${RBAC}/v1` };

type Owned = Required<Pick<KubernetesObject, 'kind'>> & KubernetesObject;

/** Whether there can be such objects: nobody else has to be allowed to read them. */
export const mayHaveAccessRoles = (workload: Workload, asked: string | undefined): boolean =>
  asked !== undefined ||
  Object.keys(workload.spec.template.metadata?.annotations ?? {}).some(
    (key) => key.startsWith(PREFIX) && /(^|\.)authorization$/.test(key.slice(PREFIX.length)),
  );

const asksAccess = (wanted: Workload): boolean =>
  serversIn(wanted.spec.template).some(({ request }) => request.authorization === 'kubernetes');

/** Made or mended before the pods; taken away behind them where they ask no more. */
export function accessRoleChanges(
  wanted: Workload,
  name: string,
  there: readonly KubernetesObject[],
): { before: Change[]; after: Change[]; faults: string[] } {
  if (!asksAccess(wanted)) return { before: [], after: deletedAccessRoles(name, there), faults: [] };
  const before = accessRoles(wanted, name).flatMap((after): Change[] => {
    const found = there.find(({ kind }) => kind === after.kind) as typeof after | undefined;
    if (!found) return [{ after, done: 'created', details: [detailOf(wanted)] }];
    const changed = { ...found, ...differing(after) };
    return isDeepStrictEqual(changed, found)
      ? []
      : [{ before: found, after: changed, done: 'configured', details: [detailOf(wanted)] }];
  });
  return { before, after: [], faults: foreign(name, there) };
}

export const deletedAccessRoles = (name: string, there: readonly KubernetesObject[]): Change[] =>
  there
    .filter((each) => isOwned(each, name))
    .map((before) => ({ before, done: 'deleted', details: [] }))
    .toReversed();

/** Both, where the workload's proxies ask. */
export const accessRolesOf = (workload: Workload, name: string): (V1Role | V1RoleBinding)[] =>
  asksAccess(workload) ? accessRoles(workload, name) : [];

const accountOf = ({ spec }: Workload): string => spec.template.spec?.serviceAccountName ?? 'default';

const detailOf = (workload: Workload): string =>
  `service account ${accountOf(workload)} may create localsubjectaccessreviews`;

function accessRoles(workload: Workload, instance: string): [V1Role & Owned, V1RoleBinding & Owned] {
  const { namespace } = workload.metadata;
  const name = accessRoleName(instance);
  const metadata = ownedMetadata(name, namespace, instance);
  return [
    {
      ...IDENTITY,
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'], verbs: ['create'] },
      ],
    },
    {
      ...IDENTITY,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: accountOf(workload), namespace }],
    },
  ];
}

/** What we have a say in; the API server has filled in the rest. */
const differing = (object: V1Role | V1RoleBinding) =>
  'rules' in object ? { rules: object.rules } : { subjects: (object as V1RoleBinding).subjects };

const foreign = (name: string, there: readonly KubernetesObject[]): string[] =>
  there
    .filter((each) => !isOwned(each, name))
    .map(
      (each) =>
        `${objectName(each)} is not ours: it lacks the label app.kubernetes.io/managed-by: kubectl-mcp`,
    );
