/** The annotations that `enable` writes on a template, and `disable` removes. Pure. */
import { ANNOTATIONS, ANNOTATION_KEYS, type AnnotationKey } from '../../webhook/annotations.ts';
import type { Annotation } from '../../webhook/grammar.ts';
import { idleBecause, wordsOf } from '../../webhook/idle-keys.ts';
import { PREFIX, tokensSecretName } from '../../webhook/names.ts';
import { textsOfServers } from '../../webhook/server-keys.ts';
import type { Change } from './change.ts';
import type { Workload } from './workload.ts';

/** Also of one of several servers: `SERVER.command`. */
export type WantedAnnotations = { [K in AnnotationKey | `${string}.${AnnotationKey}`]?: string };

/**
 * What is wanted over what is there. A key that an earlier call wrote and that has no effect any more (the audience
 * after `--auth token`) goes: the webhook would refuse it. One that is wanted now stays, so that the refusal is seen.
 */
export function enabledTemplate(workload: Workload, wanted: WantedAnnotations): Change | undefined {
  const old = workload.spec.template.metadata?.annotations ?? {};
  const next: Record<string, string> = { ...old };
  const name = old[`${PREFIX}name`] ?? workload.metadata.name;
  for (const [key, value] of Object.entries({ name, ...wanted, inject: 'true' })) {
    if (value !== undefined) next[PREFIX + key] = value;
    // No grammar takes an empty value: it takes the annotation back.
    if (value === '') delete next[PREFIX + key];
  }
  next[`${PREFIX}name`] ??= workload.metadata.name;
  // What is said for all servers may fit one of them alone: the webhook tells what fits none.
  if (hasNamedServers(next)) return templateChange(workload, old, next, 'enabled');
  const effective = (key: AnnotationKey) => next[PREFIX + key] ?? (ANNOTATIONS[key] as Annotation).default;
  for (const key of ANNOTATION_KEYS) {
    const { insteadOf }: Annotation = ANNOTATIONS[key];
    if (insteadOf === undefined) continue;
    if (wanted[key] && wanted[insteadOf as AnnotationKey] === undefined) delete next[PREFIX + insteadOf];
    if (wanted[insteadOf as AnnotationKey] && wanted[key] === undefined) delete next[PREFIX + key];
  }
  if (wordsOf(effective('auth')).includes('token') && next[`${PREFIX}token-volume`] === undefined) {
    next[`${PREFIX}token-secret`] ??= tokensSecretName(next[`${PREFIX}name`]!);
  }
  for (const key of ANNOTATION_KEYS) {
    if (idleBecause(key, effective) && wanted[key] === undefined) delete next[PREFIX + key];
  }
  return templateChange(workload, old, next, 'enabled');
}

/** Keys without a name are then the default of the servers that others name. */
export const hasNamedServers = (annotations: Record<string, string> | undefined): boolean =>
  textsOfServers(annotations).servers.some(({ server }) => server !== undefined);

/** Without any annotation of ours; others are as they were, byte for byte. */
export function disabledTemplate(workload: Workload): Change | undefined {
  const old = workload.spec.template.metadata?.annotations ?? {};
  const next = Object.fromEntries(Object.entries(old).filter(([key]) => !key.startsWith(PREFIX)));
  return templateChange(workload, old, next, 'disabled');
}

/** @param next all annotations that the template has afterwards. */
export function templateChange(
  workload: Workload,
  old: Record<string, string>,
  next: Record<string, string>,
  done: string,
): Change | undefined {
  const details = detailsOf(old, next);
  if (details.length === 0) return undefined;
  const after = structuredClone(workload);
  const metadata = (after.spec.template.metadata ??= {});
  metadata.annotations = next;
  // The API server drops an empty map: leaving one would not be the template as it was.
  if (Object.keys(next).length === 0) delete metadata.annotations;
  if (Object.keys(metadata).length === 0) delete after.spec.template.metadata;
  return { before: workload, after, done, details };
}

const detailsOf = (old: Record<string, string>, next: Record<string, string>): string[] => [
  ...Object.keys(old)
    .filter((key) => !(key in next))
    .map((key) => `${key} removed`),
  ...Object.entries(next)
    .filter(([key, value]) => old[key] !== value)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
];
