/** Of a server that is reached by processes of its own. */
export interface ProcessRules {
  /** Whose process a client of 2026-07-28 has. */
  readonly modern: 'per-principal' | 'per-request' | 'shared';
  readonly idleMs: number;
  /** How long one may take to start. */
  readonly startMs: number;
}
