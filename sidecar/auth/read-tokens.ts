import { firstFaults } from '../mounted/faults.ts';
import { isRecord, readRecord, type TokenRecord } from './token-record.ts';

export interface TokenEntry extends TokenRecord {
  /** Name of the file: who the caller is. */
  readonly caller: string;
}

const LINE_ENDS: Readonly<Record<string, string>> = { '\0': 'NUL', '\r': 'CR', '\n': 'LF' };

/**
 * Reads callers from files: a token in each, or records of several, a line each; spaces and line ends around them are
 * not part of them. One fault and there are no callers: what was meant is not to be guessed at. Faults name files,
 * never contents.
 */
export function readTokens(
  files: ReadonlyMap<string, Buffer>,
): { readonly entries: readonly TokenEntry[] } | { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const holders = new Map<string, string>();
  const entries: TokenEntry[] = [];
  if (files.size === 0) faults.push('holds no token');
  for (const [caller, content] of files) {
    const shown = JSON.stringify(caller.slice(0, 80));
    const read = readCallerFile(content);
    if ('fault' in read) {
      faults.push(`${shown} ${read.fault}`);
      continue;
    }
    for (const record of read.records) {
      const key = record.digest.toString('base64url');
      const holder = holders.get(key);
      if (holder) faults.push(`${shown} is the same token as ${holder}`);
      holders.set(key, shown);
      entries.push({ caller, ...record });
    }
  }
  return faults.length > 0 ? { faults: firstFaults(faults) } : { entries };
}

/** The tokens of one caller. */
export function readCallerFile(
  content: Buffer,
): { readonly records: readonly TokenRecord[] } | { readonly fault: string } {
  const text = content.toString('latin1').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const isOne = lines.length < 2 || !lines.every(isRecord);
  const inside = /[\0\r\n]/.exec(isOne ? text : lines.join(''))?.[0];
  if (inside) return { fault: `has ${LINE_ENDS[inside]} inside` };
  const records: TokenRecord[] = [];
  for (const line of isOne ? [text] : lines) {
    const read = readRecord(line.trim());
    if ('fault' in read) return read;
    records.push(read.record);
  }
  return { records };
}
