/** How far the log of one pod was read, so that a stream that broke goes on and no line comes twice. */
export interface Position {
  /** The line without the runtime's time before it; undefined for one that was had. */
  readonly take: (line: string) => string | undefined;
  /** From here on, with lines that were had among them. */
  readonly sinceMs: () => number | undefined;
  /** Before each stream that begins there. */
  readonly rewind: () => void;
}

const STAMPED = /^(\d{4}-\d\d-\d\dT\S+) /;

export function createPosition(): Position {
  let last = '';
  /** Lines of that very time. */
  let seen = 0;
  let resumed = '';
  let toSkip = 0;
  return {
    take(line) {
      const stamp = STAMPED.exec(line)?.[1];
      if (stamp === undefined) return line;
      if (resumed !== '') {
        if (stamp < resumed) return undefined;
        if (stamp === resumed && toSkip > 0) {
          toSkip--;
          return undefined;
        }
      }
      seen = stamp === last ? seen + 1 : 1;
      last = stamp;
      return line.slice(stamp.length + 1);
    },
    sinceMs: () => (last === '' ? undefined : Date.parse(last)),
    rewind() {
      resumed = last;
      toSkip = seen;
    },
  };
}
