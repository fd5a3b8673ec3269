/** AdmissionReview in, AdmissionReview out (admission.k8s.io/v1). Pure. */
import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { inject } from './inject.ts';
import type { Injection } from './inject.ts';
import { occurrenceOf } from './occurrences.ts';
import type { Occurrence } from './occurrences.ts';
import { patchOf } from './patch.ts';
import { withCodes } from './reasons.ts';
import type { Outcome, Reason } from './reasons.ts';
import { refusalText } from './refusals.ts';
import type { InjectSettings } from './settings.ts';

const container = z.looseObject({ name: z.string() });
const pod = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
  spec: z.looseObject({
    containers: z.array(container),
    initContainers: z.array(container).optional(),
    volumes: z.array(z.looseObject({ name: z.string() })).optional(),
  }),
});
const reviewSchema = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1),
    kind: z.object({ group: z.literal(''), version: z.literal('v1'), kind: z.literal('Pod') }),
    operation: z.literal('CREATE'),
    namespace: z.string().min(1),
    dryRun: z.boolean().default(false),
    object: pod,
  }),
});

export type ReviewAnswer = {
  body: object;
  outcome: Outcome;
  /** Each once. */
  reasons: Reason[];
  /** For the log; never holds what the pod's author keeps in it. */
  about: { uid: string; namespace: string; pod: string; dryRun: boolean; reasons: Reason[]; detail?: string };
  /** For an Event on the pod's owner. */
  occurrence?: Occurrence | undefined;
};
export type ReviewSettings = Omit<InjectSettings, 'namespace' | 'drainRandom'>;

/** `fault`: what was sent is no review of a new pod. */
export function answerReview(sent: unknown, settings: ReviewSettings): ReviewAnswer | { fault: string } {
  const parsed = reviewSchema.safeParse(sent);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((each) => `${each.path.join('.') || 'body'}: ${each.message}`);
    return { fault: `not an AdmissionReview of a new Pod: ${faults.join('; ')}` };
  }
  const { uid, namespace, dryRun } = parsed.data.request;
  // The object as it came: zod's copy may order keys in another way.
  const before = (sent as { request: { object: V1Pod } }).request.object;
  const result = inject(before, { ...settings, namespace, drainRandom: drainRandom(uid) });
  const reasons = reasonsOf(result);
  const about = { uid, namespace, pod: nameOf(before), dryRun, reasons };
  const occurrence = (message: string) => occurrenceOf(before, { namespace, dryRun, reasons, message });
  const answer = (response: object) => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, ...response },
  });
  if ('untouched' in result) {
    return {
      body: answer({ allowed: true }),
      outcome: 'untouched',
      reasons,
      about: { ...about, detail: result.untouched },
    };
  }
  if ('refusals' in result) {
    const message = withCodes(refusalText(result.refusals), reasons);
    const status = { status: 'Failure', code: 422, reason: 'Invalid', message };
    return {
      body: answer({ allowed: false, status }),
      outcome: 'refused',
      reasons,
      about: { ...about, detail: message },
      occurrence: occurrence(message),
    };
  }
  const patch = patchOf(before, result.pod);
  return {
    body: answer({
      allowed: true,
      ...(patch.length > 0 && {
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      }),
      ...(result.warnings.length > 0 && { warnings: result.warnings }),
    }),
    outcome: 'injected',
    reasons,
    about,
    occurrence: occurrence(`its pods get the proxy ${settings.image}`),
  };
}

function reasonsOf(result: Injection): Reason[] {
  if ('untouched' in result) return [result.reason];
  if ('refusals' in result) return [...new Set(result.refusals.map((each) => each.reason))];
  return ['Injected'];
}

/** As hard to guess as the uid, and of an alphabet and length that do not depend on it. */
const drainRandom = (uid: string): string =>
  createHash('sha256').update(uid).digest('base64url').slice(0, 32);

/** At admission a controller's pod has no name yet, only the start of one. */
const nameOf = ({ metadata }: V1Pod): string => metadata?.name ?? `${metadata?.generateName ?? ''}*`;
