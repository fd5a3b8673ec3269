/** Whether a pod's proxy is the one that its webhook would put there now. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { CONFIG_ENV } from '../../sidecar/config.ts';
import { inject } from '../../webhook/inject.ts';
import { VOLUME } from '../../webhook/names.ts';
import { givenSidecar } from '../../webhook/previous.ts';
import { refusalText } from '../../webhook/refusals.ts';
import { podsOf } from '../doctor/served.ts';
import { isLive, type Workload } from '../enable/workload.ts';
import { type Installed, type InstalledWebhook, webhookFor } from './installed.ts';

/** What differs, a line each; none where the pod has no proxy, or nothing to have one for. */
export function outdatedReasons(pod: V1Pod, { image, imagePullPolicy }: InstalledWebhook): string[] {
  const old = pod.spec && givenSidecar(pod.spec);
  if (!old) return [];
  const again = inject(asAdmitted(pod), {
    image,
    imagePullPolicy,
    namespace: pod.metadata?.namespace ?? '',
    drainRandom: 'x'.repeat(16),
  });
  if ('untouched' in again) return [];
  if ('refusals' in again) return [`the webhook would refuse it now: ${refusalText(again.refusals)}`];
  const now = givenSidecar(again.pod.spec!)!;
  return [
    ...(old.image === now.image ? [] : [`image ${old.image}, now ${now.image}`]),
    ...(isDeepStrictEqual(configOf(old), configOf(now)) ? [] : ['another configuration']),
    ...(isDeepStrictEqual(commandOf(old), commandOf(now)) ? [] : ['another command']),
    ...(isDeepStrictEqual(volumesOf(pod), volumesOf(again.pod)) ? [] : ['other volumes']),
  ];
}

/** A name that the API server generates is not there yet when webhooks are asked. */
function asAdmitted(pod: V1Pod): V1Pod {
  const { name, ...metadata } = pod.metadata ?? {};
  const isGenerated = metadata.generateName !== undefined && name?.startsWith(metadata.generateName);
  return isGenerated ? { ...pod, metadata } : pod;
}

export interface OutdatedPod {
  readonly pod: V1Pod;
  readonly reasons: readonly string[];
}

/** Of the pods that stay, those whose webhook is known and would do otherwise now. */
export const outdatedPods = (pods: readonly V1Pod[], installed: Installed): OutdatedPod[] =>
  pods.filter(isLive).flatMap((pod) => {
    const webhook = webhookFor(installed, pod.metadata?.namespace ?? '');
    const reasons = webhook ? outdatedReasons(pod, webhook) : [];
    return reasons.length > 0 ? [{ pod, reasons }] : [];
  });

export const countOutdated = (
  workload: Workload,
  pods: readonly V1Pod[],
  installed: Installed,
): number | undefined =>
  webhookFor(installed, workload.metadata.namespace) &&
  outdatedPods(podsOf(workload, pods), installed).length;

/** As a value: other webhooks may have written the text anew. */
function configOf({ env }: V1Container): unknown {
  const text = env?.find((each) => each.name === CONFIG_ENV)?.value ?? '';
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** But for the heap: it follows the memory, which may change under a pod that runs (in-place resize, 1.33). */
const commandOf = ({ command = [] }: V1Container): string[] =>
  command.filter((each) => !each.startsWith('--max-old-space-size='));

const OURS: readonly string[] = Object.values(VOLUME);
const volumesOf = ({ spec }: V1Pod): unknown => {
  const ours = (spec?.volumes ?? []).filter((each) => OURS.includes(each.name));
  return JSON.parse(JSON.stringify(ours.toSorted((a, b) => (a.name < b.name ? -1 : 1))));
};
