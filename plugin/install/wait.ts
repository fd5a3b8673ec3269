/** Waits until the webhook can do its work: its Deployment is available, and the API server trusts it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Deployment, V1Pod } from '@kubernetes/client-node';
import { INSTALL_NAMESPACE, type InstallNames, installNames, WEBHOOK_ENTRY } from '../../webhook/names.ts';
import { selectorMatches } from '../enable/workload.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import type { Progress } from '../progress.ts';

const INTERVAL_MS = 1_000;

interface WaitOptions {
  readonly timeoutMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Of the default, unless given. */
  readonly names?: InstallNames;
}

/** @throws {CliError} with what the pods say, when the time is over. */
export async function waitForWebhook(
  cluster: Cluster,
  { timeoutMs, progress, signal, names = installNames() }: WaitOptions,
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const missing = await whatIsMissing(cluster, names);
    if (missing === undefined) return;
    if (timeout.aborted || signal.aborted) {
      progress.end();
      throw new CliError(
        `timed out waiting for deployment/${names.webhook} in namespace ${INSTALL_NAMESPACE}: ${missing}\nSee why: kubectl describe pods -n ${INSTALL_NAMESPACE}`,
      );
    }
    progress.update(`Waiting for deployment/${names.webhook}: ${missing}`);
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function whatIsMissing(
  { apps, core, admission }: Cluster,
  names: InstallNames,
): Promise<string | undefined> {
  const deployment = await apps.readNamespacedDeployment({
    namespace: INSTALL_NAMESPACE,
    name: names.webhook,
  });
  if (!isAvailable(deployment)) {
    const { items } = await core.listNamespacedPod({ namespace: INSTALL_NAMESPACE });
    const own = items.filter(({ metadata }) => selectorMatches(deployment.spec?.selector, metadata?.labels));
    return own.map(troubleOf).find((each) => each !== undefined) ?? 'no pod of it is ready yet';
  }
  const configuration = await admission.readMutatingWebhookConfiguration({ name: names.configuration });
  const gate = configuration.webhooks?.find((each) => each.name === WEBHOOK_ENTRY);
  const early = await admission.readValidatingWebhookConfiguration({ name: names.configuration });
  return [gate, ...(early.webhooks ?? [])].every((each) => each?.clientConfig.caBundle)
    ? undefined
    : 'its certificate authority is not in the webhook configurations yet';
}

/** Of this generation: an old replica set that is still up does not count. */
export function isAvailable({ metadata, spec, status }: V1Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) >= wanted &&
    (status?.availableReplicas ?? 0) >= wanted
  );
}

function troubleOf({ metadata, status }: V1Pod): string | undefined {
  const pod = `pod/${metadata?.name}`;
  const unscheduled = status?.conditions?.find(
    (each) => each.type === 'PodScheduled' && each.status === 'False',
  );
  if (unscheduled) return `${pod}: ${unscheduled.reason}: ${unscheduled.message}`;
  for (const { state } of status?.containerStatuses ?? []) {
    const { reason, message } = state?.waiting ?? {};
    if (reason && reason !== 'ContainerCreating' && reason !== 'PodInitializing') {
      return `${pod}: ${reason}${message ? `: ${message}` : ''}`;
    }
  }
  return undefined;
}
