/**
 * What Kubernetes is asked about a caller: the one form of the question, for the sidecar, `kubectl mcp can-i` and
 * `kubectl mcp grant`. Pure.
 *
 * No API serves this group; authorizers do not look for that. A server is the resource, and what it offers are names
 * in it: `resources: [SERVER]` with `resourceNames: [TOOL]` is one tool, without names each of them, and
 * `resources: ['*']` each of every server of the namespace.
 */
import type { Kind } from '../filter/rules.ts';
import type { Principal } from '../principal.ts';

export const ACCESS_GROUP = 'tools.kubectl-mcp.dev';
/** What records name as the rule. */
export const ACCESS_RULE = 'authorization';

/** What is done with a tool, a prompt and a resource. */
export const ACCESS_VERBS = { tool: 'call', prompt: 'get', resource: 'read' } as const satisfies Record<
  Kind,
  string
>;
export type AccessVerb = (typeof ACCESS_VERBS)[Kind];

export interface ResourceAttributes {
  readonly namespace: string;
  readonly group: typeof ACCESS_GROUP;
  readonly version: '*';
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: AccessVerb;
  readonly name?: string;
}

export interface AskedAccess {
  readonly namespace: string;
  /** `WORKLOAD`, or `WORKLOAD/NAME` of one of several servers in a pod: what roles call it under `resources`. */
  readonly server: string;
  readonly verb: AccessVerb;
  /** The tool's or prompt's real name, the resource's URI. Absent: all that there are and will be. */
  readonly name?: string | undefined;
}

export function resourceAttributes({ namespace, server, verb, name }: AskedAccess): ResourceAttributes {
  const [resource = '', subresource] = server.split('/');
  return {
    namespace,
    group: ACCESS_GROUP,
    version: '*',
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    verb,
    ...(name === undefined ? {} : { name }),
  };
}

export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Kubernetes' own names for who has none; nobody else comes by a name that begins so (principal.ts). */
const UNAUTHENTICATED: Subject = { user: 'system:anonymous', groups: ['system:unauthenticated'] };

/** As whom bindings know a caller. */
export function subjectOf({ kind, name, groups }: Principal): Subject {
  if (kind === 'kubernetes') return { user: name, groups };
  // Prefixes keep all others from a name of Kubernetes' own; here that would be a cluster's administrator.
  if (kind === 'anonymous' || isSystems(name)) return UNAUTHENTICATED;
  return { user: name, groups: groups.filter((group) => !isSystems(group)) };
}

const isSystems = (name: string): boolean => name.startsWith('system:');

export interface AccessReview {
  readonly apiVersion: 'authorization.k8s.io/v1';
  readonly kind: 'LocalSubjectAccessReview';
  readonly metadata: { readonly namespace: string };
  readonly spec: Subject & { readonly resourceAttributes: ResourceAttributes };
}

export const accessReview = (subject: Subject, asked: AskedAccess): AccessReview => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'LocalSubjectAccessReview',
  metadata: { namespace: asked.namespace },
  spec: { ...subject, resourceAttributes: resourceAttributes(asked) },
});
