/** Annotations as flags. Pure. */
import { ANNOTATION_KEYS, type AnnotationKey } from '../../webhook/annotations.ts';
import { GLOBAL_FLAGS } from '../flags.ts';
import type { WantedAnnotations } from './template.ts';

const KUBECTLS = new Set(GLOBAL_FLAGS.map(({ flags }) => /--([a-z-]+)/.exec(flags)?.[1]));

/** A flag of the same name, but where kubectl means another thing by it (`--request-timeout`). */
export const flagOf = (key: AnnotationKey): string => (KUBECTLS.has(key) ? `mcp-${key}` : key);

/** @param keys those that the command has as flags. */
export const annotationsFrom = (
  flags: object,
  keys: readonly AnnotationKey[] = ANNOTATION_KEYS,
): WantedAnnotations =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const property = flagOf(key).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const value = (flags as Record<string, unknown>)[property];
      return typeof value === 'string' ? [[key, value]] : [];
    }),
  );
