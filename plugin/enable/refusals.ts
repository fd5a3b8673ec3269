/** Follows why a workload's controller cannot create pods. */
import type { CoreV1Event } from '@kubernetes/client-node';
import type { Cluster } from '../kube/client.ts';
import { type Explained, explainRefusal } from './explain-refusal.ts';
import { newFailure, seenEvents } from './failed-creates.ts';
import { readFailedCreates } from './read.ts';
import type { Workload } from './workload.ts';

/** What one look told. */
export interface Refused {
  readonly current: Workload;
  /** A Deployment has a condition for it. */
  readonly refusal: string | undefined;
  readonly failures: readonly CoreV1Event[];
}

export const readFailures = async (cluster: Cluster, workload: Workload): Promise<CoreV1Event[]> =>
  workload.kind === 'Deployment' ? [] : readFailedCreates(cluster, workload);

/** @param first events that were there before the template was changed, or soon after. */
export function createRefusals(cluster: Cluster, first: CoreV1Event[] = []) {
  let before = seenEvents(first);
  let latest: readonly CoreV1Event[] = first;
  let explained: { readonly message: string; readonly as: Explained } | undefined;
  return {
    /** What has been seen so far has been mended. */
    forget: () => {
      before = seenEvents(latest);
    },
    /** Undefined: pods are created, as far as is known. */
    explain: async ({ current, refusal, failures }: Refused): Promise<Explained | undefined> => {
      latest = failures;
      const message = refusal ?? newFailure(before, failures);
      if (message === undefined) return undefined;
      if (explained?.message !== message) {
        explained = { message, as: await explainRefusal(cluster, current, message) };
      }
      return explained.as;
    },
  };
}
