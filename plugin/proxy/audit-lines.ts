/** Where audit lines go on this machine. */
import { closeSync, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { createLineWriter, type LineWriter } from '../../sidecar/audit/line-writer.ts';
import { CliError, usageError } from '../errors.ts';

export interface AuditTarget {
  /** As the annotation has it. */
  readonly annotation: 'stdout' | 'none';
  readonly path?: string;
}

/** A reader that does not keep up loses lines, as in a pod, and holds up no call. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

export function parseAudit(text: string): AuditTarget {
  if (text === 'stdout' || text === 'none') return { annotation: text };
  const [, path] = /^file:(.+)$/s.exec(text) ?? [];
  if (path !== undefined) return { annotation: 'stdout', path };
  throw usageError(`invalid argument "${text}" for "--audit" flag: expected stdout, none or file:PATH`);
}

/** @throws {CliError} when the file cannot be written to. */
export function openAudit(
  { path }: Pick<AuditTarget, 'path'>,
  out: Writable,
): LineWriter & { close(): void } {
  if (path === undefined) return { ...linesTo(out), close: () => undefined };
  try {
    const fd = openSync(path, 'a', 0o600);
    return { ...createLineWriter(fd), close: () => closeSync(fd) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(`--audit file:${path}: cannot be opened for writing: ${code}`, { cause: error });
  }
}

function linesTo(out: Writable): LineWriter {
  let dropped = 0;
  return {
    write(line) {
      if (out.writableLength > MAX_QUEUED_BYTES) dropped++;
      else out.write(line);
    },
    dropped: () => dropped,
    flush: () => new Promise((done) => out.write('', () => done())),
  };
}
