import { hash } from 'node:crypto';
import { firstFaults } from '../mounted/faults.ts';

export interface TokenEntry {
  /** Name of the file: who the caller is. */
  readonly caller: string;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

/** The largest header field of many servers; Node takes 16 KiB for all of them. */
const MAX_TOKEN_BYTES = 8 * 1024;
const LINE_ENDS: Readonly<Record<string, string>> = { '\0': 'NUL', '\r': 'CR', '\n': 'LF' };

/**
 * Reads callers from files, a token in each; spaces and line ends around it are not part of it. One fault and there
 * are no callers: what was meant is not to be guessed at. Faults name files, never contents.
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
    const token = content.toString('latin1').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    const fault = faultOf(token);
    if (fault) {
      faults.push(`${shown} ${fault}`);
      continue;
    }
    const digest = hash('sha256', token, 'buffer');
    const key = digest.toString('base64url');
    const holder = holders.get(key);
    if (holder) faults.push(`${shown} is the same token as ${holder}`);
    holders.set(key, shown);
    entries.push({ caller, digest });
  }
  return faults.length > 0 ? { faults: firstFaults(faults) } : { entries };
}

function faultOf(token: string): string | undefined {
  if (token === '') return 'is empty';
  if (token.length > MAX_TOKEN_BYTES) return `is longer than ${MAX_TOKEN_BYTES} bytes`;
  const lineEnd = /[\0\r\n]/.exec(token)?.[0];
  if (lineEnd) return `has ${LINE_ENDS[lineEnd]} inside`;
  // What a header field can carry as one word (RFC 9110 section 5.5): more than RFC 6750 asks of a bearer token.
  return /^[!-~]+$/.test(token) ? undefined : 'has other characters than printable ASCII without spaces';
}
