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
const FLUSH_TIMEOUT_MS = 1_000;

/**
 * Writes lines to a file descriptor, one write for all lines of a turn of the event loop. Never blocks: `process.stdout`
 * writes to pipes synchronously, and a stalled log reader would stop every call.
 */
export function createLineWriter(fd: number): LineWriter {
  const stream = openForWriting(fd);
  let failed = false;
  let pending = '';
  let dropped = 0;
  stream.on('error', () => (failed = true));

  function send(): void {
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
      if (pending === '') setImmediate(send);
      pending += line;
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
