/** How many processes of a server there may be for callers; the sidecar's own is one more. */

const DEFAULT_PROCESSES = 16;
/** Of the memory limit; the rest is for what grows. */
const USED_SHARE = 0.8;
const MAX_PROCESSES = 256;

export interface ProcessSizes {
  /** As its owner has written it. */
  readonly maxProcesses?: number | undefined;
  readonly memoryBytes?: number | undefined;
  /** Of one process, as it was seen. */
  readonly processBytes?: number | undefined;
}

export function processLimit({ maxProcesses, memoryBytes, processBytes }: ProcessSizes): number {
  if (maxProcesses !== undefined) return maxProcesses;
  if (memoryBytes === undefined || !processBytes) return DEFAULT_PROCESSES;
  const fitting = Math.floor((memoryBytes * USED_SHARE) / processBytes);
  return Math.min(MAX_PROCESSES, Math.max(1, fitting - 1));
}
