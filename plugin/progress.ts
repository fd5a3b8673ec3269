/** What a long command is doing, on stderr: one line that changes on a terminal, a line per step elsewhere. */
import type { Streams } from './streams.ts';

export interface Progress {
  /** What is being waited for now. The same text twice in a row is shown once. */
  update(text: string): void;
  /** A line that stays, above the status line. */
  note(text: string): void;
  /** Ends the status line; call it before anything else is written. */
  end(): void;
}

const CLEAR = '\r\u001b[K';

export function createProgress({ err }: Streams): Progress {
  let current = '';
  const clear = (): void => {
    if (err.isTTY && current !== '') err.write(CLEAR);
  };
  return {
    update(text) {
      if (text === current) return;
      clear();
      current = text;
      err.write(err.isTTY ? text.slice(0, Math.max(10, (err.columns ?? 80) - 1)) : `${text}\n`);
    },
    note(text) {
      clear();
      err.write(`${text}\n`);
      if (err.isTTY) err.write(current);
    },
    end() {
      clear();
      current = '';
    },
  };
}
