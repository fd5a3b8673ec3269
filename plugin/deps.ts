import type { Connect } from './kube/client.ts';
import type { Streams } from './streams.ts';

/** What a command gets from outside; tests give their own. */
export interface Deps {
  readonly streams: Streams;
  readonly env: Record<string, string | undefined>;
  readonly connect: Connect;
  readonly nowMs: () => number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
