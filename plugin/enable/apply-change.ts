/** One change sent to the API server. */
import type { KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../webhook/names.ts';
import type { DryRun } from '../flags.ts';
import type { Cluster } from '../kube/client.ts';
import { isNotFound } from '../kube/errors.ts';
import { type Change, mergePatch } from './change.ts';
import { plain } from './read.ts';

// The value itself would load client-node.
const MERGE_PATCH: PatchStrategy = 'application/merge-patch+json';

/** The change as it was done: with the version that the object has now, so that it can be taken back. */
export async function applyChange(
  cluster: Cluster,
  change: Change,
  dryRun: Exclude<DryRun, 'client'>,
): Promise<Change> {
  const { before, after } = change;
  const dry = dryRun === 'server' ? 'All' : undefined;
  if (!after) {
    await cluster.objects
      .delete(identityOf(before!), undefined, dry, undefined, undefined, 'Background')
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    return change;
  }
  if (!before) {
    await cluster.objects.create(withoutBookkeeping(after), undefined, dry, FIELD_MANAGER);
    return change;
  }
  const patch = mergePatch(before, after);
  const sent = { ...identityOf(after), ...patch } as KubernetesObject;
  sent.metadata = { ...identityOf(after).metadata, ...(patch['metadata'] as object | undefined) };
  const live = plain(
    await cluster.objects.patch(sent, undefined, dry, FIELD_MANAGER, undefined, MERGE_PATCH),
  );
  const resourceVersion = live.metadata?.resourceVersion;
  const at = (object: KubernetesObject) => ({ ...object, metadata: { ...object.metadata, resourceVersion } });
  return { ...change, before: at(before), after: at(after) };
}

function identityOf({ apiVersion, kind, metadata }: KubernetesObject) {
  return { apiVersion, kind, metadata: { name: metadata!.name!, namespace: metadata!.namespace! } };
}

/** What the API server fills in, which a new object must not carry. */
export function withoutBookkeeping(object: KubernetesObject): KubernetesObject {
  const { status: _status, ...rest } = object as KubernetesObject & { status?: unknown };
  const {
    managedFields: _fields,
    resourceVersion: _version,
    uid: _uid,
    creationTimestamp: _created,
    generation: _generation,
    ...metadata
  } = object.metadata ?? {};
  return { ...rest, metadata };
}
