/** The Role of one caller at one server, with more in it or less. Pure. */
import type {
  KubernetesObject,
  RbacV1Subject,
  V1PolicyRule,
  V1Role,
  V1RoleBinding,
} from '@kubernetes/client-node';
import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ACCESS_GROUP, ACCESS_VERBS, type AccessVerb } from '../../sidecar/access/attributes.ts';
import type { Change } from '../enable/change.ts';
import { isOwned, ownedMetadata } from '../enable/owned.ts';
import { objectName } from '../enable/workload.ts';
import { CliError } from '../errors.ts';

/** By verb: names, or all that there are and will be. */
export type Grants = Partial<Record<AccessVerb, readonly string[] | 'all'>>;

export interface GrantRequest {
  readonly namespace: string;
  /** `WORKLOAD` or `WORKLOAD/NAME`. */
  readonly server: string;
  readonly to: RbacV1Subject;
  readonly grants: Grants;
}

export interface There {
  readonly role?: V1Role | undefined;
  readonly binding?: V1RoleBinding | undefined;
}

const RBAC = 'rbac.authorization.k8s.io';
const IDENTITY = { apiVersion: `${RBAC}/v1` };
export const EVERYTHING: Grants = Object.fromEntries(
  Object.values(ACCESS_VERBS).map((verb) => [verb, 'all']),
);

/** One for each caller and workload: two callers with one Role would be granted what either is. */
export function grantName(server: string, { kind, namespace, name }: RbacV1Subject): string {
  const words = [kind === 'ServiceAccount' ? 'sa' : kind, namespace, name].filter(Boolean).join('-');
  const readable = words
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 80)
    .replaceAll(/^-|-$/g, '');
  const digest = hash('sha256', JSON.stringify([kind, namespace, name])).slice(0, 6);
  return `${workloadOf(server)}-mcp-${readable}-${digest}`;
}

const workloadOf = (server: string): string => server.split('/', 1)[0]!;

/** @throws {CliError} where what is there is not ours */
export function planGrant(request: GrantRequest, there: There): Change[] {
  const { namespace, server, to } = request;
  checkOurs(server, there);
  const name = grantName(server, to);
  const rules = merged(there.role?.rules ?? [], request);
  const metadata = ownedMetadata(name, namespace, workloadOf(server));
  const role: V1Role & KubernetesObject = { ...IDENTITY, kind: 'Role', metadata, ...there.role, rules };
  const binding: V1RoleBinding & KubernetesObject = {
    ...IDENTITY,
    kind: 'RoleBinding',
    metadata,
    ...there.binding,
    roleRef: { apiGroup: RBAC, kind: 'Role', name },
    subjects: [to],
  };
  return [...change(there.role, role), ...change(there.binding, binding)];
}

/** Takes grants away; what is empty then is deleted. @throws {CliError} where names cannot be taken out */
export function planRevoke(request: GrantRequest, there: There): Change[] {
  checkOurs(request.server, there);
  if (!there.role) return there.binding ? [{ before: there.binding, done: 'deleted', details: [] }] : [];
  const rules = without(there.role, request);
  const role: V1Role & KubernetesObject = { ...there.role, rules };
  if (rules.length > 0) return change(there.role, role);
  // The binding first: one without its Role would bind another's of the same name.
  return [there.binding, there.role].flatMap((before) =>
    before ? [{ before, done: 'deleted', details: [] }] : [],
  );
}

type Typed = KubernetesObject;

const change = (before: Typed | undefined, after: Typed): Change[] =>
  before === undefined
    ? [{ after, done: 'created', details: [] }]
    : isDeepStrictEqual(JSON.parse(JSON.stringify(before)), JSON.parse(JSON.stringify(after)))
      ? []
      : [{ before, after, done: 'configured', details: [] }];

function checkOurs(server: string, there: There): void {
  const foreign = [there.role, there.binding].find((each) => each && !isOwned(each, workloadOf(server)));
  if (foreign)
    throw new CliError(
      `${objectName(foreign)} is not ours: it lacks the label app.kubernetes.io/managed-by: kubectl-mcp`,
    );
}

type Held = Map<string, Set<string> | 'all'>;

/** Rules of ours by server and verb, and those that somebody has added. */
function read(rules: readonly V1PolicyRule[]): { held: Held; others: V1PolicyRule[] } {
  const held: Held = new Map();
  const others: V1PolicyRule[] = [];
  for (const rule of rules) {
    if (!isDeepStrictEqual([...(rule.apiGroups ?? [])], [ACCESS_GROUP])) {
      others.push(rule);
      continue;
    }
    for (const resource of rule.resources ?? [])
      for (const verb of rule.verbs)
        add(held, `${resource} ${verb}`, rule.resourceNames?.length ? rule.resourceNames : 'all');
  }
  return { held, others };
}

function add(held: Held, key: string, names: readonly string[] | 'all'): void {
  const known = held.get(key);
  if (names === 'all' || known === 'all') held.set(key, 'all');
  else held.set(key, new Set([...(known ?? []), ...names]));
}

const written = ({ held, others }: ReturnType<typeof read>): V1PolicyRule[] => [
  ...others,
  ...[...held]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, names]) => {
      const [resource = '', verb = ''] = key.split(' ');
      return {
        apiGroups: [ACCESS_GROUP],
        ...(names === 'all' ? {} : { resourceNames: [...names].toSorted() }),
        resources: [resource],
        verbs: [verb],
      };
    }),
];

function merged(rules: readonly V1PolicyRule[], { server, grants }: GrantRequest): V1PolicyRule[] {
  const found = read(rules);
  for (const [verb, names] of Object.entries(grants)) add(found.held, `${server} ${verb}`, names);
  return written(found);
}

function without(role: V1Role, { server, grants }: GrantRequest): V1PolicyRule[] {
  const found = read(role.rules ?? []);
  for (const [verb, names] of Object.entries(grants)) {
    const key = `${server} ${verb}`;
    const known = found.held.get(key);
    if (known === undefined) continue;
    if (names !== 'all' && known === 'all')
      throw new CliError(
        `${objectName({ ...IDENTITY, kind: 'Role', ...role })} allows to ${verb} all of ${server}: single names cannot be taken out\nTake all away first, then grant what is to stay`,
      );
    if (names === 'all' || known === 'all') found.held.delete(key);
    else {
      for (const name of names) known.delete(name);
      if (known.size === 0) found.held.delete(key);
    }
  }
  return written(found);
}
