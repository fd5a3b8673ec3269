/** Writes objects by server-side apply, and tells what that did in kubectl's words. */
import type { KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../webhook/names.ts';
import type { DryRun } from '../flags.ts';
import { isNotFound } from './errors.ts';
import type { Cluster } from './client.ts';

export type ApplyVerb = 'created' | 'configured' | 'unchanged' | 'deleted';

export interface Applied {
  readonly object: KubernetesObject;
  readonly verb: ApplyVerb;
}

export interface ApplyOptions {
  readonly dryRun?: DryRun;
  /** Takes fields over from other managers; right for objects that are ours alone. */
  readonly force?: boolean;
  readonly fieldManager?: string;
}

// The value itself would load client-node.
const SERVER_SIDE_APPLY: PatchStrategy = 'application/apply-patch+yaml';

type Named = KubernetesObject & { metadata: { name: string; namespace?: string } };

/** With `--dry-run=client` nothing is sent, and the object comes back as given. */
export async function applyObject(
  cluster: Cluster,
  object: KubernetesObject,
  { dryRun = 'none', force = false, fieldManager = FIELD_MANAGER }: ApplyOptions = {},
): Promise<Applied> {
  const before = await readObject(cluster, object);
  if (dryRun === 'client') return { object, verb: before ? 'configured' : 'created' };
  const after = await cluster.objects.patch(
    structuredClone(object),
    undefined,
    dryRun === 'server' ? 'All' : undefined,
    fieldManager,
    force,
    SERVER_SIDE_APPLY,
  );
  return { object: after, verb: before ? (same(before, after) ? 'unchanged' : 'configured') : 'created' };
}

/** The live object, or undefined when it, or its kind, does not exist. */
export async function readObject(
  cluster: Cluster,
  object: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  try {
    return await cluster.objects.read(structuredClone(object) as Named);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Undefined when it was not there. */
export async function deleteObject(
  cluster: Cluster,
  object: KubernetesObject,
  { dryRun = 'none' }: Pick<ApplyOptions, 'dryRun'> = {},
): Promise<Applied | undefined> {
  if (dryRun === 'client') return (await readObject(cluster, object)) && { object, verb: 'deleted' };
  try {
    const dry = dryRun === 'server' ? 'All' : undefined;
    await cluster.objects.delete(structuredClone(object), undefined, dry, undefined, undefined, 'Background');
    return { object, verb: 'deleted' };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** kubectl's line, `deployment.apps/x configured (server dry run)`. */
export function describeApplied({ object, verb }: Applied, dryRun: DryRun = 'none'): string {
  const note = dryRun === 'server' ? ' (server dry run)' : dryRun === 'client' ? ' (dry run)' : '';
  return verb === 'deleted'
    ? `${resourceName(object, ' "')}" deleted${note}`
    : `${resourceName(object)} ${verb}${note}`;
}

/** `deployment.apps/x`, as `-o name` prints it. */
export function resourceName(object: KubernetesObject, separator = '/'): string {
  const group = object.apiVersion?.includes('/') ? `.${object.apiVersion.split('/')[0]}` : '';
  return `${(object.kind ?? '').toLowerCase()}${group}${separator}${object.metadata?.name ?? ''}`;
}

// An apply that changes nothing leaves the resourceVersion; a dry run that changes something does too, so compare
// what is left without the bookkeeping.
function same(before: KubernetesObject, after: KubernetesObject): boolean {
  return JSON.stringify(withoutBookkeeping(before)) === JSON.stringify(withoutBookkeeping(after));
}

function withoutBookkeeping(object: KubernetesObject): unknown {
  const { metadata, ...rest } = object as KubernetesObject & { status?: unknown };
  const {
    managedFields: _fields,
    resourceVersion: _version,
    generation: _generation,
    ...kept
  } = metadata ?? {};
  return { ...rest, status: undefined, metadata: kept };
}
