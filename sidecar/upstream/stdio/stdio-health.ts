import { maskSecrets } from './mask-secrets.ts';
import type { StdioState } from './stdio-channels.ts';

export type StdioHealth = StdioState & { readonly maxProcesses: number };

/** Of the processes of a server that speaks stdio, as `/health` tells it. */
export interface StdioReport {
  readonly processes: number;
  readonly max_processes: number;
  readonly starts: number;
  /** Of these the ones that have ended without a word. */
  readonly failed_starts: number;
  /** Lines on stdout that were no JSON-RPC. */
  readonly foreign_lines: number;
  readonly process_bytes?: number;
  readonly last_exit?: {
    readonly at: string;
    readonly code?: number;
    readonly signal?: string;
    readonly stderr: readonly string[];
  };
}

export function stdioReport(health: StdioHealth): StdioReport {
  const { processes, maxProcesses, starts, failedStarts, foreignLines, processBytes, lastExit } = health;
  return {
    processes,
    max_processes: maxProcesses,
    starts,
    failed_starts: failedStarts,
    foreign_lines: foreignLines,
    ...(processBytes === undefined ? {} : { process_bytes: processBytes }),
    ...(lastExit ? { last_exit: { ...lastExit, stderr: lastExit.stderr.map(maskSecrets) } } : {}),
  };
}
