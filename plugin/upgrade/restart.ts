/** One workload's pods replaced, as `kubectl rollout restart` does it, and waited for. */
import type { KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../webhook/names.ts';
import { podsOf } from '../doctor/served.ts';
import { tryPod } from '../enable/preflight.ts';
import { readPods } from '../enable/read.ts';
import { type WaitOptions, waitForPods } from '../enable/wait-for-pods.ts';
import { objectName, type Workload } from '../enable/workload.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import type { Installed } from './installed.ts';
import { outdatedPods } from './outdated.ts';

// The value itself would load client-node.
const MERGE_PATCH: PatchStrategy = 'application/merge-patch+json';
/** kubectl's own: tools of deployment know it, and leave it alone. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

export async function patchRestart(
  cluster: Cluster,
  { apiVersion, kind, metadata: { name, namespace } }: Workload,
  { nowMs, dryRun }: { nowMs: number; dryRun: 'none' | 'server' },
): Promise<void> {
  const at = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const spec = { template: { metadata: { annotations: { [RESTARTED_AT]: at } } } };
  const patch = { apiVersion, kind, metadata: { name, namespace }, spec } as KubernetesObject;
  const dry = dryRun === 'server' ? 'All' : undefined;
  await cluster.objects.patch(patch, undefined, dry, FIELD_MANAGER, undefined, MERGE_PATCH);
}

/**
 * @param installed unknown to who may not look: then nothing is said of what the new pods have.
 * @throws {CliError} when a pod of it would be refused, the rollout gets nowhere, or its new pods are outdated, too.
 */
export async function restart(
  all: Cluster,
  workload: Workload,
  options: WaitOptions & { readonly installed?: Installed | undefined },
): Promise<void> {
  const cluster = { ...all, namespace: workload.metadata.namespace };
  const warning = await tryPod(cluster, workload);
  if (warning !== undefined) options.progress.note(`Warning: ${objectName(workload)}: ${warning}`);
  await patchRestart(cluster, workload, { nowMs: options.nowMs(), dryRun: 'none' });
  await waitForPods(cluster, workload, { ...options, injected: true });
  const pods = podsOf(workload, await readPods(cluster));
  const [still] = options.installed ? outdatedPods(pods, options.installed) : [];
  if (!still) return;
  throw new CliError(
    `${objectName(workload)}: its new pods are outdated, too: pod ${still.pod.metadata?.name} has ${still.reasons.join('; ')}\nSee whether another webhook changes the proxy, or the webhook itself is being replaced: kubectl mcp doctor`,
  );
}
