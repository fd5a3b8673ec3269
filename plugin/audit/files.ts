/** Files and stdin → sources in order of time. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CliError } from '../errors.ts';
import type { Streams } from '../streams.ts';
import { type ReadOptions, inOrder, readEntries } from './read-entries.ts';
import type { Entry } from './read-line.ts';
import { chunkBytesFor, findRuns, readRange } from './runs.ts';

export interface OpenedFiles {
  readonly sources: readonly AsyncIterable<Entry[]>[];
  /** Files that go back in time too often to be put in order. */
  readonly disordered: readonly string[];
  readonly close: () => Promise<void>;
}

/** @throws {CliError} for what cannot be read */
export async function openFiles(
  paths: readonly string[],
  reading: Pick<ReadOptions, 'tally' | 'wanted'>,
  { streams, signal }: { readonly streams: Streams; readonly signal: AbortSignal },
): Promise<OpenedFiles> {
  const handles: FileHandle[] = [];
  const sources: AsyncIterable<Entry[]>[] = [];
  const disordered: string[] = [];
  let spool: string | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(handles.map((each) => each.close()));
    if (spool !== undefined) await rm(spool, { recursive: true, force: true });
  };
  try {
    for (const path of paths) {
      const title = path === '-' ? 'stdin' : path;
      if (path === '-') spool = await mkdtemp(join(tmpdir(), 'kubectl-mcp-audit-'));
      // What is piped cannot be read twice.
      const file = await openFile(path === '-' ? await spooled(streams, spool!, signal) : path);
      handles.push(file);
      const { runs, tooMany } = await findRuns(file);
      if (tooMany) disordered.push(title);
      const chunkBytes = chunkBytesFor(runs.length);
      for (const run of runs)
        sources.push(inOrder(readEntries(readRange(file, run, chunkBytes), { ...reading, title })));
    }
    return { sources, disordered, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const failed = (why: string, cause?: unknown): CliError =>
    new CliError(`-f: cannot read ${path}: ${why}`, { cause });
  const file = await open(path).catch((error: unknown) => {
    throw failed(
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'no such file or directory'
        : (error as Error).message,
      error,
    );
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw failed('it is no regular file\nPipe it in: kubectl mcp audit -f - < FILE');
}

/** For the user's eyes alone, and gone with the command. */
async function spooled({ in: stdin }: Streams, directory: string, signal: AbortSignal): Promise<string> {
  const path = join(directory, 'stdin');
  await pipeline(stdin, createWriteStream(path, { mode: 0o600 }), { signal });
  return path;
}
