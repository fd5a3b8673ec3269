/** The annotations of tokens of an OpenID provider: rows of the table in annotations.ts. */
import type { Annotation } from './grammar.ts';

export const OIDC_ANNOTATIONS = {} as const satisfies Record<string, Annotation>;
