/** What is said of a workload before its pods are made: what the webhook will say of them, and where. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { inject } from './inject.ts';
import { misplaced } from './misplaced.ts';
import type { Change } from './misplaced.ts';
import { PREFIX } from './names.ts';
import { podIn } from './pod-in-object.ts';
import type { RefusalReason } from './reasons.ts';
import { refusalText } from './refusals.ts';
import { isEnabled } from './stdio-faults.ts';
import type { InjectSettings } from './settings.ts';

export type Verdict = {
  reasons: RefusalReason[];
  /** Undefined: it is let through. */
  refusal?: string;
  warnings: string[];
  /** The pod of the template where it would be injected. */
  pod?: V1Pod;
};

/** Pods are not looked at where the template did not change: scaling never ends here. */
export function judgeWorkload(change: Change, settings: Omit<InjectSettings, 'drainRandom'>): Verdict {
  const { object, old } = change;
  const pod = podIn(object);
  const isSame = old && isDeepStrictEqual(podIn(old), pod);
  const word = pod && !isSame ? wordOn(pod, object, settings) : { refusals: [], warnings: [] };
  const beside = misplaced(change);
  const refusals = [...word.refusals, ...beside.refusals];
  const warnings = isSame ? [] : [...word.warnings, ...beside.warnings];
  return {
    reasons: [...new Set(refusals.map(({ reason }) => reason))],
    ...(refusals.length > 0 && { refusal: refusalText(refusals) }),
    warnings,
    ...('pod' in word && { pod: word.pod }),
  };
}

/**
 * What may still be mended before there are pods, so that a template is not refused for it; and how it ends if it is
 * not. The command that reads the entry point of an image works on an object that is there.
 */
const MENDED_LATER: Partial<Record<RefusalReason, (kind: string) => string | undefined>> = {
  ContainerUnknown: () => 'its pods are refused unless another webhook adds it',
  CommandMissing: (kind) => (isEnabled(kind) ? 'its pods are refused until then' : undefined),
};
/** Of the template nothing is kept. */
const NO_DRAIN = 'of-a-template-whose-pods-get-their-own';

function wordOn(pod: V1Pod, object: KubernetesObject, settings: Omit<InjectSettings, 'drainRandom'>) {
  const result = inject(pod, { ...settings, drainRandom: NO_DRAIN });
  if ('untouched' in result) return { refusals: [], warnings: [] };
  if ('pod' in result) {
    return { refusals: [], warnings: [...result.warnings, ...runWarnings(object, pod)], pod };
  }
  const { refusals } = result;
  const ends = refusals.map(({ reason }) => MENDED_LATER[reason]?.(object.kind ?? ''));
  if (!ends.every((each) => each !== undefined)) return { refusals, warnings: [] };
  return { refusals: [], warnings: [`${refusalText(refusals)}; ${[...new Set(ends)].join('; ')}`] };
}

/** The pod's owner is a Job whose name ends with the time of its run, and the webhook sees no further. */
export const runWarnings = ({ kind }: KubernetesObject, { metadata }: V1Pod): string[] =>
  kind === 'CronJob' && metadata?.annotations?.[`${PREFIX}name`] === undefined
    ? [`without ${PREFIX}name the webhook calls each run after its Job: set it, or audiences differ`]
    : [];
