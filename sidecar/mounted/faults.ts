const MAX_FAULTS = 20;

/** What goes into a log line and an answer: whoever writes a file can put any number of faults into it. */
export const firstFaults = (faults: readonly string[]): readonly string[] =>
  faults.length <= MAX_FAULTS
    ? faults
    : [...faults.slice(0, MAX_FAULTS), `and ${faults.length - MAX_FAULTS} more`];
