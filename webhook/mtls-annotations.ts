/** The annotations of callers with client certificates: rows of the table in annotations.ts. */
import type { Annotation } from './grammar.ts';

export const MTLS_ANNOTATIONS = {} as const satisfies Record<string, Annotation>;
