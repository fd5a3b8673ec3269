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
const GATHER_BYTES = 64 * 1024;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const MAX_BYTES_PER_CHAR = 3;
const FLUSH_TIMEOUT_MS = 1_000;

/**
 * Writes lines to a file descriptor, one write for the lines of some milliseconds. Never blocks: `process.stdout`
 * writes to pipes synchronously, and a stalled log reader would stop every call.
 */
export function createLineWriter(fd: number): LineWriter {
  const stream = openForWriting(fd);
  let failed = false;
  // Bytes and not strings: what a string is built of would live on until it is sent, for the collector to move.
  const gathered = Buffer.allocUnsafeSlow(GATHER_BYTES);
  let length = 0;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  stream.on('error', () => (failed = true));

  function send(): void {
    clearTimeout(timer);
    if (length > 0 && !failed) stream.write(Buffer.from(gathered.subarray(0, length)));
    length = 0;
  }

  return {
    write(line) {
      if (failed || stream.writableLength + length > MAX_QUEUED_BYTES) {
        dropped++;
        return;
      }
      if (length + line.length * MAX_BYTES_PER_CHAR > GATHER_BYTES) send();
      if (line.length * MAX_BYTES_PER_CHAR > GATHER_BYTES) return void stream.write(line);
      if (length === 0) timer = setTimeout(send, GATHER_MS);
      length += gathered.write(line, length);
    },
    dropped: () => dropped,
    flush() {
      send();
      if (failed) return Promise.resolve();
      return new Promise((resolve) => {
        // A reader that has stalled must not hold the end of the process.
        const deadline = setTimeout(resolve, FLUSH_TIMEOUT_MS);
        stream.write('', () => {
          clearTimeout(deadline);
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
