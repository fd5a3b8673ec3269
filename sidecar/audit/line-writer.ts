import { createWriteStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

export interface LineWriter {
  write(line: string): void;
  /** Lines that were lost because the reader did not keep up. */
  dropped(): number;
  /** Resolves when what was written has left, or does not leave within a second. */
  flush(): Promise<void>;
}

const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
/** Lines wait for one another this long, or until this much has come: a write for each costs more than all else of them. */
const GATHER_MS = 10;
const GATHER_CHARS = 16 * 1024;
const FLUSH_TIMEOUT_MS = 1_000;

/**
 * Writes lines to a file descriptor, one write for the lines of some milliseconds. Never blocks: `process.stdout`
 * writes to pipes synchronously, and a stalled log reader would stop every call.
 */
export function createLineWriter(fd: number): LineWriter {
  const stream = openForWriting(fd);
  let failed = false;
  let pending = '';
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  stream.on('error', () => (failed = true));

  function send(): void {
    clearTimeout(timer);
    const lines = pending;
    pending = '';
    if (lines !== '' && !failed) stream.write(lines);
  }

  return {
    write(line) {
      if (failed || stream.writableLength + pending.length > MAX_QUEUED_BYTES) {
        dropped++;
        return;
      }
      if (pending === '') timer = setTimeout(send, GATHER_MS);
      pending += line;
      if (pending.length >= GATHER_CHARS) send();
    },
    dropped: () => dropped,
    flush() {
      send();
      if (failed) return Promise.resolve();
      return new Promise((resolve) => {
        // A reader that has stalled must not hold the end of the process.
        const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
        stream.write('', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

function openForWriting(fd: number): Writable {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket()
    ? new Socket({ fd, readable: false, writable: true })
    : createWriteStream('', { fd, autoClose: false });
}
