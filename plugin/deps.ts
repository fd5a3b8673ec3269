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
  /**
   * For a command that runs until it is stopped: resolves at Ctrl-C or SIGTERM. From then on it may take its time to
   * end, until a second one.
   */
  readonly stopped?: () => Promise<void>;
  /** For a command that goes on after an exception that nobody has caught; without it that ends the process. */
  readonly onUncaught?: (caught: (error: unknown) => void) => void;
  /** For what must not be left behind by a second Ctrl-C either. */
  readonly atExit?: (clean: () => void) => void;
}
