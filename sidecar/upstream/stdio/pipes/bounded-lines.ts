/** Lines of a stream whose writer is not trusted: bounded in length, and read slowly when it floods. */
import type { Socket } from 'node:net';

const MAX_LINE_BYTES = 4_096;
/** More at once than anybody has to say; the rest stays in the pipe, where it is bounded by the kernel. */
const FLOOD_BYTES = 32 * 1024;
const FLOOD_PAUSE_MS = 100;
const NEWLINE = 10;

/** What is longer than a line may be is cut off. */
export function readLines(socket: Socket, line: (text: string) => void): void {
  let parts: Buffer[] = [];
  let length = 0;
  let turnBegan = 0;
  let bytesOfTurn = 0;

  function keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, MAX_LINE_BYTES - length);
    // A copy: a few bytes must not hold the buffer that was read into.
    if (kept.length > 0) parts.push(Buffer.from(kept));
    length += kept.length;
  }

  function finish(): void {
    const text = Buffer.concat(parts).toString('utf8');
    parts = [];
    length = 0;
    line(text);
  }

  socket.on('data', (bytes: Buffer) => {
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      keep(bytes.subarray(from, end));
      finish();
      from = end + 1;
    }
    keep(bytes.subarray(from));
    const now = performance.now();
    if (now - turnBegan >= FLOOD_PAUSE_MS) {
      turnBegan = now;
      bytesOfTurn = 0;
    }
    bytesOfTurn += bytes.length;
    if (bytesOfTurn < FLOOD_BYTES) return;
    socket.pause();
    setTimeout(() => socket.resume(), FLOOD_PAUSE_MS).unref();
  });
  socket.on('end', () => {
    if (length > 0) finish();
  });
}
