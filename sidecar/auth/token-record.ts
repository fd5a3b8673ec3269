/**
 * One line of a caller's file: `WORD [created=TIME] [expires=TIME] [for=TEXT]`. WORD is the token itself, or `sha256:`
 * and the digest of it in hexadecimal, as sha256sum writes it: then nobody who reads the file can call.
 */
import { hash } from 'node:crypto';

export interface TokenRecord {
  /** SHA-256 of the token. */
  readonly digest: Buffer;
  /** The token, where the file has it. */
  readonly plain?: string;
  readonly createdAtMs?: number;
  readonly expiresAtMs?: number;
  /** Whom or what it was made for, in somebody's words. */
  readonly madeFor?: string;
}

/** The largest header field of many servers; Node takes 16 KiB for all of them. */
const MAX_TOKEN_BYTES = 8 * 1024;
const DIGEST_MARK = 'sha256:';
/** RFC 3339, with the zone: a time of nobody's clock would end a token hours early or late. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** Whether the line has what a token alone has not. */
export const isRecord = (line: string): boolean =>
  line.startsWith(DIGEST_MARK) || / (created|expires|for)=/.test(line);

/** `fault` names what is wrong, never the token. */
export function readRecord(line: string): { readonly record: TokenRecord } | { readonly fault: string } {
  const [word = '', ...fields] = line.split(/[ \t]+/);
  const read: { createdAtMs?: number; expiresAtMs?: number; madeFor?: string } = {};
  for (const field of fields) {
    const [name = '', value = ''] = [field.split('=', 1)[0], field.slice(field.indexOf('=') + 1)];
    if (name === 'for') {
      const text = decoded(value);
      if (text === undefined) return { fault: 'has a "for" that is not percent-encoded' };
      read.madeFor = text;
    } else if (name === 'created' || name === 'expires') {
      const atMs = TIME.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(atMs)) return { fault: `has an "${name}" that is no time, like 2027-01-31T12:00:00Z` };
      read[`${name}AtMs`] = atMs;
    } else return { fault: 'has other characters than printable ASCII without spaces' };
  }
  if (word.startsWith(DIGEST_MARK)) {
    const digest = word.slice(DIGEST_MARK.length);
    if (!/^[0-9a-fA-F]{64}$/.test(digest))
      return { fault: 'has a "sha256:" without its 64 hexadecimal digits' };
    return { record: { digest: Buffer.from(digest, 'hex'), ...read } };
  }
  const fault = faultOf(word);
  return fault ? { fault } : { record: { digest: hash('sha256', word, 'buffer'), plain: word, ...read } };
}

/** The line for a file; the token stands in it only where the record has it. */
export function formatRecord({ digest, plain, createdAtMs, expiresAtMs, madeFor }: TokenRecord): string {
  return [
    plain ?? `${DIGEST_MARK}${digest.toString('hex')}`,
    ...(createdAtMs === undefined ? [] : [`created=${timeOf(createdAtMs)}`]),
    ...(expiresAtMs === undefined ? [] : [`expires=${timeOf(expiresAtMs)}`]),
    ...(madeFor === undefined ? [] : [`for=${encodeURIComponent(madeFor)}`]),
  ].join(' ');
}

/** What names a token and does not tell it. */
export const tokenId = ({ digest }: Pick<TokenRecord, 'digest'>): string =>
  digest.toString('hex').slice(0, 8);

const timeOf = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');

function faultOf(token: string): string | undefined {
  if (token === '') return 'is empty';
  if (token.length > MAX_TOKEN_BYTES) return `is longer than ${MAX_TOKEN_BYTES} bytes`;
  // What a header field can carry as one word (RFC 9110 section 5.5): more than RFC 6750 asks of a bearer token.
  return /^[!-~]+$/.test(token) ? undefined : 'has other characters than printable ASCII without spaces';
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
