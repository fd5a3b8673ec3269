/** Keys that have no effect beside the others. Pure. */
import { ANNOTATIONS } from './annotations.ts';
import type { AnnotationKey } from './annotations.ts';
import type { Annotation } from './grammar.ts';
import { NOT_WITH_STDIO } from './stdio-annotations.ts';

type Told = { key: AnnotationKey; value: string };

/** What the key would need to have an effect, or what takes its effect away. */
export function idleBecause(
  key: AnnotationKey,
  effective: (other: AnnotationKey) => string | undefined,
): { lacks: Told } | { beside: Told } | undefined {
  const { needs }: Annotation = ANNOTATIONS[key];
  if (needs && effective(needs.key as AnnotationKey) !== needs.value) {
    return { lacks: { key: needs.key as AnnotationKey, value: needs.value } };
  }
  if (NOT_WITH_STDIO.includes(key) && effective('transport') === 'stdio') {
    return { beside: { key: 'transport', value: 'stdio' } };
  }
  return undefined;
}
