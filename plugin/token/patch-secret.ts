/** Writes tokens into a Secret; a change of somebody else's in between is not lost. */
import type { PatchStrategy, V1Secret } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../webhook/names.ts';
import { ownedMetadata } from '../enable/owned.ts';
import { plain } from '../enable/read.ts';
import type { Cluster } from '../kube/client.ts';
import { apiStatusOf, isNotFound } from '../kube/errors.ts';
import type { TokenChange } from './change.ts';
import type { TokenSecret } from './find-secret.ts';
import type { SecretData } from './stored.ts';

// The value itself would load client-node.
const MERGE_PATCH: PatchStrategy = 'application/merge-patch+json';
const ATTEMPTS = 8;

export interface Patched<Change> {
  readonly change: Change;
  /** As it is now. */
  readonly secret: V1Secret;
}

/** Undefined: there is none. */
export async function readTokenSecret(
  { core }: Cluster,
  { namespace, name }: TokenSecret,
): Promise<V1Secret | undefined> {
  try {
    return plain(await core.readNamespacedSecret({ namespace, name }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Makes the Secret where it is not there. By its version: where another one was faster, the change is made anew of what
 * is there then.
 */
export async function patchSecret<Change extends TokenChange>(
  cluster: Cluster,
  wanted: TokenSecret,
  make: (data: SecretData) => Change,
): Promise<Patched<Change>> {
  const { namespace, name, instance } = wanted;
  const identity = { apiVersion: 'v1', kind: 'Secret' };
  for (let attempt = 1; ; attempt++) {
    const before = await readTokenSecret(cluster, wanted);
    const change = make(before?.data ?? {});
    const metadata = before
      ? { name, namespace, resourceVersion: before.metadata!.resourceVersion! }
      : ownedMetadata(name, namespace, instance);
    const sent = { ...identity, metadata, data: change.data } as V1Secret;
    try {
      const secret = before
        ? await cluster.objects.patch(sent, undefined, undefined, FIELD_MANAGER, undefined, MERGE_PATCH)
        : await cluster.objects.create({ ...sent, type: 'Opaque' }, undefined, undefined, FIELD_MANAGER);
      return { change, secret: plain(secret) as V1Secret };
    } catch (error) {
      if (apiStatusOf(error)?.code !== 409 || attempt === ATTEMPTS) throw error;
    }
  }
}
