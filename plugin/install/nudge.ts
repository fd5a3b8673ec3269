/**
 * Has controllers try again at once whose pods were refused while the webhook was away. Left alone, each waits twice as
 * long as before, up to a quarter of an hour (client-go's rate limiter); any change of the object starts it.
 */
import type { CoreV1Event, KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { PREFIX, WEBHOOK_ENTRY } from '../../webhook/names.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';

// The value itself would load client-node.
const MERGE_PATCH: PatchStrategy = 'application/merge-patch+json';
const MARK = `${PREFIX}nudged`;

type Numbers = Readonly<Record<string, number | undefined>>;
/** Whether pods are missing, by the fields of spec and status. An event lives an hour: much may have come since. */
const IS_WAITING: Readonly<Record<string, (spec: Numbers, status: Numbers) => boolean>> = {
  ReplicaSet: (spec, status) => (status['replicas'] ?? 0) < (spec['replicas'] ?? 1),
  StatefulSet: (spec, status) => (status['replicas'] ?? 0) < (spec['replicas'] ?? 1),
  DaemonSet: (_, status) => (status['currentNumberScheduled'] ?? 0) < (status['desiredNumberScheduled'] ?? 0),
  Job: (spec, status) => !status['active'] && (status['succeeded'] ?? 0) < (spec['completions'] ?? 1),
};

/** @returns those that were asked to try again; those that this user may not change are left out. */
export async function nudgeWaiting({ core, objects }: Cluster): Promise<KubernetesObject[]> {
  const events = await orNothing(core.listEventForAllNamespaces({ fieldSelector: 'reason=FailedCreate' }));
  const nudged: KubernetesObject[] = [];
  for (const object of refusedOwners(events?.items ?? [])) {
    const live = await orNothing(
      objects.read<KubernetesObject & { spec?: Numbers; status?: Numbers }>(object),
    );
    if (!live || !IS_WAITING[object.kind]!(live.spec ?? {}, live.status ?? {})) continue;
    const mark = (value: string | null) =>
      orNothing(
        objects.patch(marked(object, value), undefined, undefined, undefined, undefined, MERGE_PATCH),
      );
    // Taken back at once: a rollback copies a ReplicaSet's annotations to its Deployment.
    if ((await mark('now')) && (await mark(null))) nudged.push(object);
  }
  return nudged;
}

type Owner = Parameters<Cluster['objects']['read']>[0] & { readonly kind: string };

/** Whose pods the API server refused since it could not reach the webhook; not those that the webhook refused. */
export function refusedOwners(events: readonly CoreV1Event[]): Owner[] {
  const owners = events
    .filter(
      ({ message, involvedObject: { kind = '' } }) =>
        Object.hasOwn(IS_WAITING, kind) && message?.includes(`failed calling webhook "${WEBHOOK_ENTRY}"`),
    )
    .map(({ involvedObject: { apiVersion, kind, name, namespace } }) => ({
      apiVersion: apiVersion!,
      kind: kind!,
      metadata: { name: name!, namespace: namespace! },
    }));
  return [...new Map(owners.map((each) => [JSON.stringify(each), each])).values()];
}

const marked = (object: Owner, value: string | null): KubernetesObject =>
  ({ ...object, metadata: { ...object.metadata, annotations: { [MARK]: value } } }) as KubernetesObject;

const orNothing = <T>(read: Promise<T>): Promise<T | undefined> =>
  read.catch((error: unknown) => {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  });
