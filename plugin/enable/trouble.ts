/** Why pods of a new template do not get ready, and whether waiting can mend it. Pure. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { PREFIX, SIDECAR_CONTAINER } from '../../webhook/names.ts';
import { isLive, selectorMatches, type Workload } from './workload.ts';

/** A container that waits, for a reason that the kubelet gives. */
export interface Trouble {
  readonly pod: string;
  readonly container: string;
  readonly reason: string;
  readonly restarts: number;
  readonly why?: string;
}

/** Of live pods of this template: those of an older one may be what is being mended. */
export const troublesOf = (workload: Workload, pods: readonly V1Pod[]): Trouble[] =>
  pods
    .filter((pod) => isLive(pod) && isOfTemplate(pod, workload))
    .flatMap((pod) =>
      [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].flatMap(
        (each) => troubleOf(pod.metadata?.name ?? '', each) ?? [],
      ),
    );

export const troubleText = ({ pod, container, reason, why }: Trouble): string =>
  `pod ${pod}: container ${container}: ${reason}${why ? `: ${why}` : ''}`;

/** The same trouble on a later look, whatever was counted in between. */
export const troubleKey = ({ pod, container, reason }: Trouble): string =>
  [pod, container, BACK_OFFS[reason] ?? reason].join('/');

/** The kubelet alternates between the two while it tries again. */
const BACK_OFFS: Record<string, string> = { ErrImagePull: 'ImagePullBackOff' };

const START_REASONS = new Set(['PodInitializing', 'ContainerCreating']);
/** Some pulls fail once: a registry that is slow to answer, a pull secret that is on its way. */
const PULL_MS = 20_000;
const MOST_RESTARTS = 3;
const PULL_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
]);

/** Waiting would not mend it. @param seenForMs how long it has been there. */
export const isLasting = ({ reason, restarts }: Trouble, seenForMs: number): boolean =>
  PULL_REASONS.has(reason) ? seenForMs > PULL_MS : reason === 'CrashLoopBackOff' && restarts >= MOST_RESTARTS;

export const hasLog = ({ reason }: Trouble): boolean => reason === 'CrashLoopBackOff';

/** The next command: what the container was given, or where else to look. The pods themselves are gone by then. */
export function nextStep({ container, reason }: Trouble, namespace: string): string {
  if (container !== SIDECAR_CONTAINER) {
    return `See why container ${container} does not start: kubectl get events -n ${namespace}`;
  }
  return PULL_REASONS.has(reason)
    ? 'Give an image that the nodes can pull: kubectl mcp install --image IMAGE'
    : 'See what the proxy is given: repeat the command with --dry-run=client -o yaml | kubectl mcp inject -f -';
}

function troubleOf(
  pod: string,
  { name, state, lastState, restartCount }: V1ContainerStatus,
): Trouble | undefined {
  const { reason, message } = state?.waiting ?? {};
  if (!reason || START_REASONS.has(reason)) return undefined;
  // The message of a back-off changes by the minute and says less than how the container ended.
  const ended = lastState?.terminated;
  const why = ended
    ? `exit code ${ended.exitCode}, restarts ${restartCount}${ended.message ? `: ${ended.message.trim()}` : ''}`
    : message;
  const [line] = why?.split('\n') ?? [];
  return { pod, container: name, reason, restarts: restartCount, ...(line && { why: line }) };
}

/** By the annotations that tell one template from the next: `enable` and `disable` write no others. */
export const isOfTemplate = (pod: V1Pod, { spec }: Workload): boolean =>
  selectorMatches(spec.selector, pod.metadata?.labels) && ours(pod) === ours(spec.template);

const ours = ({ metadata }: { metadata?: { annotations?: Record<string, string> } }): string =>
  Object.entries(metadata?.annotations ?? {})
    .filter(([key]) => key.startsWith(PREFIX))
    .map((each) => each.join('='))
    .toSorted()
    .join('\n');
