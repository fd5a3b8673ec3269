/** Of a server that is reached by processes of its own. */
export interface ProcessRules {
  /** Whose process a client of 2026-07-28 has. */
  readonly modern: 'per-principal' | 'per-request' | 'shared';
  readonly idleMs: number;
  /** How long one may take to start. */
  readonly startMs: number;
  /** What had this name in {@link UpstreamRequest.process} is over. */
  ended(process: string): void;
}

/** Whose process a request is for: one of those of clients of 2026-07-28, whom the server believes to have sessions. */
export const OF_MODERN_CLIENTS = 'of clients of 2026-07-28';
