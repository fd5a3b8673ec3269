/** What an Event is about, and when it was last so. Pure. */
import type { CoreV1Event, V1ObjectReference } from '@kubernetes/client-node';
import type { Workload } from '../enable/workload.ts';

/** Whether the object makes the workload's pods: a Deployment's are made by ReplicaSets, which carry its name and a hash. */
export function isCreator(
  { kind, metadata }: Workload,
  { kind: ofKind, name = '' }: V1ObjectReference,
  namespace: string | undefined,
): boolean {
  if (namespace !== metadata.namespace) return false;
  if (kind !== 'Deployment') return ofKind === kind && name === metadata.name;
  const at = name.lastIndexOf('-');
  return ofKind === 'ReplicaSet' && at > 0 && at < name.length - 1 && name.slice(0, at) === metadata.name;
}

export const lastTimeMs = ({ lastTimestamp, eventTime, metadata }: CoreV1Event): number =>
  new Date(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? 0).getTime();
