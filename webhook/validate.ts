/** The early word: AdmissionReview of a workload or a policy in, AdmissionReview out (admission.k8s.io/v1). Pure. */
import type { KubernetesObject, V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { judgePolicy } from './judge-policy.ts';
import { judgeWorkload } from './judge-workload.ts';
import type { Verdict } from './judge-workload.ts';
import { withCodes } from './reasons.ts';
import type { Reason } from './reasons.ts';
import type { ReviewSettings } from './review.ts';

const KINDS = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'CronJob',
  'Job',
  'ConfigMap',
] as const;

const annotations = z.record(z.string(), z.string()).nullish();
const object = z.looseObject({
  kind: z.enum(KINDS),
  metadata: z.looseObject({ name: z.string().optional(), annotations, labels: annotations }),
});
const reviewSchema = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1),
    kind: z.object({ group: z.string(), version: z.literal('v1'), kind: z.enum(KINDS) }),
    operation: z.enum(['CREATE', 'UPDATE']),
    namespace: z.string().min(1),
    dryRun: z.boolean().default(false),
    object,
    oldObject: object.nullish(),
  }),
});

export type ValidationOutcome = 'allowed' | 'warned' | 'refused';
export type Judgement = {
  uid: string;
  verdict: Verdict;
  /** With its codes. */
  message?: string;
  /** For the log; never holds what the object's author keeps in it. */
  about: {
    uid: string;
    namespace: string;
    object: string;
    dryRun: boolean;
    reasons: Reason[];
    detail?: string;
  };
  /** What is worth a look at the rules of the namespace. */
  asked?: { pod: V1Pod; namespace: string; pods: number };
};

/** `fault`: what was sent is no review of what we have a word for. */
export function judgeReview(sent: unknown, settings: ReviewSettings): Judgement | { fault: string } {
  const parsed = reviewSchema.safeParse(sent);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((each) => `${each.path.join('.') || 'body'}: ${each.message}`);
    return { fault: `not an AdmissionReview of a workload or a ConfigMap: ${faults.join('; ')}` };
  }
  const { uid, namespace, dryRun, kind, operation } = parsed.data.request;
  const { object: after, oldObject } = (sent as { request: Record<string, KubernetesObject> }).request;
  const change = {
    object: inNamespace(after!, namespace),
    old: operation === 'UPDATE' ? oldObject : undefined,
  };
  const verdict =
    kind.kind === 'ConfigMap'
      ? judgePolicy(change.object as V1ConfigMap, change.old)
      : judgeWorkload(change, { ...settings, namespace });
  const { name, generateName } = change.object.metadata ?? {};
  const title = `${[kind.kind.toLowerCase(), kind.group].filter(Boolean).join('.')}/${name ?? `${generateName}*`}`;
  const { refusal, reasons, pod } = verdict;
  const message = refusal && withCodes(`${title}: ${refusal}`, reasons);
  const about = { uid, namespace, object: title, dryRun, reasons, ...(message && { detail: message }) };
  return {
    uid,
    verdict,
    ...(message && { message }),
    about,
    ...(pod && !refusal && { asked: { pod, namespace, pods: podsOf(change) } }),
  };
}

/** @param foreseen what else is to be told, as warnings. */
export function answerOf(
  { uid, verdict, message }: Judgement,
  foreseen: string[] = [],
): { body: object; outcome: ValidationOutcome } {
  const answer = (response: object) => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, ...response },
  });
  // A header of HTTP carries them.
  const warnings = [...verdict.warnings, ...foreseen].map((each) => each.replaceAll(/\s+/g, ' ').trim());
  const told = warnings.length > 0 && { warnings };
  if (message) {
    const status = { status: 'Failure', code: 422, reason: 'Invalid', message };
    return { body: answer({ allowed: false, status, ...told }), outcome: 'refused' };
  }
  return { body: answer({ allowed: true, ...told }), outcome: told ? 'warned' : 'allowed' };
}

/** The review's: that of the object may be missing. */
const inNamespace = (found: KubernetesObject, namespace: string): KubernetesObject => ({
  ...found,
  metadata: { ...found.metadata, namespace },
});

/** How many new pods are to come at once. */
function podsOf({
  object: made,
  old,
}: {
  object: KubernetesObject;
  old?: KubernetesObject | undefined;
}): number {
  const { replicas, parallelism } =
    (made as { spec?: { replicas?: number; parallelism?: number } }).spec ?? {};
  return old ? 1 : (replicas ?? parallelism ?? 1);
}
