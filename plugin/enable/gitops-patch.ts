/** A plan as what a repository needs of it: patches of objects that it holds, manifests of those that it lacks. Pure. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { owningTool } from '../kube/owning-tool.ts';
import { type Change, objectChangesOf, type Plan } from './change.ts';
import { strategicPatch } from './strategic-patch.ts';
import { objectName } from './workload.ts';

export interface RepositoryDocument {
  readonly kind: 'patch' | 'new' | 'delete';
  /** `deployment.apps/web`. */
  readonly name: string;
  readonly body: object;
}

export interface Owned {
  readonly name: string;
  /** `the Helm release web`. */
  readonly owner: string;
}

/** What the plan changes of objects that a tool of deployment keeps as its repository says. */
export const ownedBy = (plan: Plan): Owned[] =>
  objectChangesOf(plan).flatMap(({ before }) => {
    const owner = before && owningTool(before);
    return owner === undefined ? [] : [{ name: objectName(before!), owner }];
  });

export const repositoryDocuments = (plan: Plan): RepositoryDocument[] =>
  objectChangesOf(plan).map(documentOf);

function documentOf({ before, after }: Change): RepositoryDocument {
  const name = objectName((after ?? before)!);
  if (!before) return { kind: 'new', name, body: withoutData(after!) };
  if (!after) return { kind: 'delete', name, body: { $patch: 'delete', ...identityOf(before) } };
  const { metadata, ...patch } = strategicPatch({ ...before }, { ...after });
  const identity = identityOf(after);
  return {
    kind: 'patch',
    name,
    body: { ...identity, ...patch, metadata: { ...identity.metadata, ...(metadata as object | undefined) } },
  };
}

const identityOf = ({ apiVersion, kind, metadata }: KubernetesObject) => ({
  apiVersion,
  kind,
  metadata: { name: metadata!.name, namespace: metadata!.namespace },
});

/** What is secret belongs in no repository, and on no screen. */
function withoutData(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'Secret') return object;
  const { data: _data, stringData: _text, ...rest } = object as KubernetesObject & Record<string, unknown>;
  return rest as KubernetesObject;
}
