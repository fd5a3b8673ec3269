/** Where a command reads and writes; injected, so that only `main.ts` knows the process. */
import { PassThrough, Readable, Writable } from 'node:stream';

export interface Streams {
  readonly in: Readable & { isTTY?: boolean };
  /** Data only: what a pipe may read. */
  readonly out: Writable & { isTTY?: boolean; columns?: number };
  /** Talk: warnings, progress, errors. */
  readonly err: Writable & { isTTY?: boolean; columns?: number };
}

export const writeLine = (stream: Writable, line: string): void => void stream.write(`${line}\n`);

export interface BufferedStreams {
  readonly streams: Streams;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** The double for tests: never a terminal, keeps all that was written. */
export function bufferStreams(input = ''): BufferedStreams {
  const out = collect();
  const err = collect();
  return {
    streams: { in: Readable.from(input === '' ? [] : [input]), out: out.stream, err: err.stream },
    stdout: out.text,
    stderr: err.text,
  };
}

function collect(): { stream: PassThrough; text: () => string } {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { stream, text: () => text + (stream.read() ?? '') };
}
