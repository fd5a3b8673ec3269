/** `kubectl mcp audit`: from logs or files to stdout. */
import type { Deps } from '../deps.ts';
import { CliError, EXIT, exitWith, usageError } from '../errors.ts';
import { checkFormat } from '../print/object.ts';
import { writeLine } from '../streams.ts';
import { openFiles } from './files.ts';
import { filterFor, type FilterFlags, sinceMsOf } from './filter.ts';
import { emitSettled } from './follow.ts';
import { merge } from './merge.ts';
import { createOutput, lastOf, type Output } from './output.ts';
import type { PodFlags } from './pods.ts';
import { createPrinter, FORMATS } from './printers.ts';
import { type ReadOptions, readEntries, type Tally } from './read-entries.ts';
import { createWaitingRoom } from './waiting-room.ts';

export interface AuditFlags extends PodFlags, FilterFlags {
  readonly filename?: string[];
  readonly follow?: boolean;
  readonly headers: boolean;
  readonly maxLogRequests: string;
  readonly output?: string;
  readonly tail: string;
}

export interface AuditRun {
  readonly flags: AuditFlags;
  readonly deps: Deps;
  readonly output: Output;
  readonly reading: Pick<ReadOptions, 'tally' | 'wanted'>;
  readonly sinceMs: number | undefined;
  readonly tail: number | undefined;
}

export async function runAudit(names: readonly string[], flags: AuditFlags, deps: Deps): Promise<void> {
  const { streams, signal, nowMs } = deps;
  const format = checkFormat(flags.output, FORMATS) ?? 'table';
  const live = flags.follow === true;
  if (live && format === 'json')
    throw usageError('--follow has no end, and one JSON document has: use -o jsonl');
  const tally: Tally = { broken: 0 };
  const sinceMs = sinceMsOf(flags, nowMs());
  const run: AuditRun = {
    flags,
    deps,
    output: createOutput(streams, createPrinter(format, { noHeaders: !flags.headers, live }), signal),
    reading: { tally, wanted: filterFor(flags, sinceMs) },
    sinceMs,
    tail: tailOf(flags.tail),
  };
  let complete = true;
  if (flags.filename === undefined) {
    const { readPods } = await import('./run-pods.ts');
    complete = await readPods(names, run);
  } else {
    checkFileFlags(names, flags);
    await (live ? followStdin(run) : readFiles(flags.filename, run));
  }
  await run.output.end();
  tell(run, tally);
  if (signal.aborted) throw exitWith(EXIT.interrupted);
  if (!complete) throw exitWith(EXIT.error);
}

async function readFiles(paths: readonly string[], { deps, output, reading, tail }: AuditRun): Promise<void> {
  const { signal, streams } = deps;
  const { sources, disordered, close } = await openFiles([...new Set(paths)], reading, deps);
  try {
    for await (const batch of lastOf(merge(sources), tail)) {
      if (signal.aborted) return;
      await output.write(batch);
    }
    for (const each of disordered)
      writeLine(streams.err, `Warning: ${each} goes back in time too often: not all of it is in order`);
  } finally {
    await close();
  }
}

/** As `kubectl logs --follow` writes it. */
async function followStdin({ deps, output, reading }: AuditRun): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, deps.signal]);
  const room = createWaitingRoom();
  const emitting = emitSettled(room, { emit: output.write, signal });
  const stdin = deps.streams.in;
  deps.signal.addEventListener('abort', () => stdin.destroy());
  try {
    for await (const batch of readEntries(buffersOf(stdin), { ...reading, title: 'stdin' }))
      await room.push(batch);
  } catch (error) {
    if (!deps.signal.aborted) throw error;
  } finally {
    ended.abort();
    await emitting;
  }
}

async function* buffersOf(stdin: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  for await (const chunk of stdin) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

function checkFileFlags(names: readonly string[], flags: AuditFlags): void {
  if (names.length > 0 || flags.selector !== undefined || flags.allNamespaces)
    throw usageError('-f reads files: names, -l and -A are of pods');
  if (flags.follow && flags.filename!.some((each) => each !== '-'))
    throw usageError(
      '--follow reads pods, or stdin with -f -\nFollow a file: tail -f FILE | kubectl mcp audit -f - --follow',
    );
  if (flags.follow && flags.tail !== '-1') throw usageError('--tail with --follow is of pods');
}

function tailOf(text: string): number | undefined {
  if (!/^(-1|\d+)$/.test(text))
    throw usageError(
      `invalid argument "${text}" for "--tail" flag: expected a number of records, or -1 for all`,
    );
  return text === '-1' ? undefined : Number(text);
}

function tell({ output, deps }: AuditRun, { broken, firstBroken }: Tally): void {
  const { err } = deps.streams;
  if (output.count() === 0 && !deps.signal.aborted) writeLine(err, 'No audit records found.');
  if (broken === 0) return;
  const lines = broken === 1 ? '1 line is' : `${broken} lines are`;
  writeLine(
    err,
    `Warning: ${lines} cut or no JSON, and left out: ${broken === 1 ? '' : 'the first is '}${firstBroken}`,
  );
}

/** @throws {CliError} where that many logs would be read at once */
export function checkRequests(count: number, { maxLogRequests }: AuditFlags): void {
  if (!/^[1-9]\d*$/.test(maxLogRequests))
    throw usageError(`invalid argument "${maxLogRequests}" for "--max-log-requests" flag: expected a number`);
  if (count > Number(maxLogRequests))
    throw new CliError(
      `you are attempting to read ${count} log streams, but maximum allowed concurrency is ${maxLogRequests}, use --max-log-requests to increase the limit`,
    );
}
