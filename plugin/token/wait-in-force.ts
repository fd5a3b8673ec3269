/** Waits until every proxy has the tokens that the Secret holds. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PatchStrategy } from '@kubernetes/client-node';
import { FIELD_MANAGER } from '../../webhook/names.ts';
import { CliError } from '../errors.ts';
import type { Cluster } from '../kube/client.ts';
import { isForbidden, isNotFound } from '../kube/errors.ts';
import type { Progress } from '../progress.ts';
import type { TokenChange } from './change.ts';
import type { TokenSecret } from './find-secret.ts';
import { readTokenSecret } from './patch-secret.ts';
import { type ProxyState, proxyStates, revisionFor } from './pods.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly isIn: TokenChange['isIn'];
  /** What the change is, in a sentence: `the token of "ci" is still taken by`. */
  readonly lagging: string;
  /** A token is taken away: pods that are being deleted take it until they are gone. */
  readonly takesAway?: boolean;
}

const PERIOD_MS = 500;
/** Before that the kubelet may not have seen the Secret's new version. */
const FIRST_NUDGE_MS = 1_000;
const NUDGE_AGAIN_MS = 10_000;
/** Not one of ours, which the webhook would look at. */
const NUDGE = 'tokens.kubectl-mcp.dev/looked-at';
// The value itself would load client-node.
const MERGE_PATCH: PatchStrategy = 'application/merge-patch+json';

/**
 * A change of a pod's annotation makes its kubelet look at once; else that takes up to 90 seconds.
 * @returns how many pods have it
 * @throws {CliError} that names the pods which have not, or says that the Secret was changed back.
 */
export async function waitInForce(
  cluster: Cluster,
  secret: TokenSecret,
  { timeoutMs, progress, signal, isIn, lagging, takesAway = false }: WaitOptions,
): Promise<number> {
  const startMs = performance.now();
  let nudgeAtMs = startMs + FIRST_NUDGE_MS;
  // Somebody else's change comes on top of ours: a proxy that has both has ours.
  const good = new Set<string>();
  for (;;) {
    if (signal.aborted) throw new CliError('interrupted', { exitCode: 130 });
    const data = (await readTokenSecret(cluster, secret))?.data ?? {};
    if (!isIn(data))
      throw new CliError(
        `secret/${secret.name} in namespace ${secret.namespace} was changed back by somebody else\nSee who writes it: kubectl get secret ${secret.name} -n ${secret.namespace} -o yaml --show-managed-fields`,
      );
    good.add(revisionFor(data));
    const states = await proxyStates(cluster, secret.name, { withEnding: takesAway });
    const behind = states.filter(({ revision }) => revision === undefined || !good.has(revision));
    if (behind.length === 0) return states.length;
    const nowMs = performance.now();
    if (nowMs - startMs > timeoutMs) throw new CliError(textOf(behind, secret, lagging, timeoutMs));
    progress.update(`waiting for ${behind.length} of ${states.length} pods to take the change...`);
    if (nowMs >= nudgeAtMs) {
      const reached = behind.filter(({ silent }) => silent !== 'ending');
      await Promise.all(reached.map(({ pod }) => nudge(cluster, pod)));
      nudgeAtMs = nowMs + NUDGE_AGAIN_MS;
    }
    await sleep(PERIOD_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Who may not is patient. */
async function nudge(cluster: Cluster, pod: string): Promise<void> {
  const metadata = {
    name: pod,
    namespace: cluster.namespace,
    annotations: { [NUDGE]: new Date().toISOString() },
  };
  const sent = { apiVersion: 'v1', kind: 'Pod', metadata };
  await cluster.objects
    .patch(sent, undefined, undefined, FIELD_MANAGER, undefined, MERGE_PATCH)
    .catch((error: unknown) => {
      if (!isForbidden(error) && !isNotFound(error)) throw error;
    });
}

const WHY: Readonly<Record<'behind' | NonNullable<ProxyState['silent']>, string>> = {
  behind: 'has the tokens of before',
  'not-ready': 'its proxy is not ready',
  'no-answer': 'its proxy does not answer (needed: get and create on pods/portforward)',
  older: 'its proxy is of an older version, which does not tell',
  ending: 'is being deleted, and has the tokens of before until it is gone',
};

const textOf = (
  behind: readonly ProxyState[],
  { namespace }: TokenSecret,
  lagging: string,
  timeoutMs: number,
): string =>
  [
    `timed out after ${Math.round(timeoutMs / 1000)} s: ${lagging}`,
    ...behind.map(({ pod, silent }) => `  pod/${pod}: ${WHY[silent ?? 'behind']}`),
    `The Secret is changed, and the kubelet brings it within 90 seconds. To be sure at once: kubectl delete pod ${behind.map(({ pod }) => pod).join(' ')} -n ${namespace}`,
  ].join('\n');
