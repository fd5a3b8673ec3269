/** What `kubectl mcp pin` changes: the ConfigMap, and the template that does not name it yet. Pure. */
import type { V1ConfigMap } from '@kubernetes/client-node';
import { pinsConfigMapName, PREFIX } from '../../webhook/names.ts';
import { textsOfServers } from '../../webhook/server-keys.ts';
import type { Change, Plan } from '../enable/change.ts';
import { nameOf } from '../enable/read.ts';
import { templateChange } from '../enable/template.ts';
import type { Workload } from '../enable/workload.ts';

/** The ConfigMap that the template names for a server, or would. */
export function pinsName(
  workload: Workload,
  server: string | undefined,
): { name: string; annotated: boolean } {
  const { servers } = textsOfServers(workload.spec.template.metadata?.annotations);
  const named = servers.find((each) => each.server?.name === server)?.texts.get('pins');
  return named
    ? { name: named, annotated: true }
    : { name: pinsConfigMapName(nameOf(workload), server), annotated: false };
}

export interface PinRequest {
  readonly workload: Workload;
  readonly server: string | undefined;
  /** As it is; undefined: there is none. */
  readonly before: V1ConfigMap | undefined;
  /** As it will be. */
  readonly after: V1ConfigMap;
  /** What is said of it. */
  readonly details: readonly string[];
}

export function planPin({ workload, server, before, after, details }: PinRequest): Plan {
  const { annotated } = pinsName(workload, server);
  const old = workload.spec.template.metadata?.annotations ?? {};
  const key = `${PREFIX}${server === undefined ? '' : `${server}.`}pins`;
  const template = annotated
    ? undefined
    : templateChange(workload, old, { ...old, [key]: after.metadata!.name! }, 'pinned');
  return {
    before: [changeOf(before, after, details)],
    ...(template && { template }),
    after: [],
    warnings: [],
    refusals: [],
    faults: [],
  };
}

/** Labels and keys that are somebody else's stay. */
function changeOf(before: V1ConfigMap | undefined, after: V1ConfigMap, details: readonly string[]): Change {
  if (!before) return { after, done: 'created', details };
  const next: V1ConfigMap = { ...before, data: { ...before.data, ...after.data } };
  return { before, after: next, done: 'configured', details };
}
