/**
 * Where a file goes back in time: `kubectl logs` of several pods writes one after the other. Each piece between is in
 * order, so that they can be merged without holding the file, or writing it anew.
 */
import type { FileHandle } from 'node:fs/promises';
import { createLineReader } from './read-line.ts';
import { WINDOW_MS } from './read-entries.ts';

export interface Run {
  readonly start: number;
  readonly end: number;
}

const CHUNK_BYTES = 1024 * 1024;
const HEAD_BYTES = 400;
/** Docker escapes the record. */
const TIME = /\{\\?"time\\?":\\?"([^"\\]+)\\?",\\?"level\\?":\\?"AUDIT/;
const MAX_RUNS = 4_096;
/** Of all runs together, where they are many. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

export async function findRuns(file: FileHandle): Promise<{ runs: Run[]; tooMany: boolean }> {
  const starts = [0];
  let latestMs = -Infinity;
  let tooMany = false;
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  const look = (line: Buffer, start: number): void => {
    const timeMs = timeOf(line);
    if (Number.isNaN(timeMs)) return;
    if (timeMs < latestMs - WINDOW_MS) {
      if (starts.length < MAX_RUNS) starts.push(start);
      else tooMany = true;
      latestMs = timeMs;
    } else if (timeMs > latestMs) latestMs = timeMs;
  };
  for await (const chunk of readRange(file, { start: 0, end: Infinity }, CHUNK_BYTES)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
      look(bytes.subarray(at, end), offset + at);
      at = end + 1;
    }
    offset += at;
    rest = Buffer.from(bytes.subarray(at));
  }
  look(rest, offset);
  const size = offset + rest.length;
  return { runs: starts.map((start, index) => ({ start, end: starts[index + 1] ?? size })), tooMany };
}

export async function* readRange(
  file: FileHandle,
  { start, end }: Run,
  chunkBytes: number,
): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const length = Math.min(chunkBytes, end - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

export const chunkBytesFor = (runs: number): number =>
  Math.max(16 * 1024, Math.min(256 * 1024, Math.floor(MAX_BUFFERED_BYTES / Math.max(1, runs))));

/** NaN for what is no record. As the sidecar writes them, the time is near the beginning. */
function timeOf(line: Buffer): number {
  const [, time] = TIME.exec(line.toString('latin1', 0, Math.min(HEAD_BYTES, line.length))) ?? [];
  if (time !== undefined) return Date.parse(time);
  if (!line.includes('audit_event')) return Number.NaN;
  const read = createLineReader()(line.toString('utf8'));
  return typeof read === 'object' ? read.timeMs : Number.NaN;
}
