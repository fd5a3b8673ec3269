/** What a Secret says of its callers' tokens. Pure. */
import { readCallerFile } from '../../sidecar/auth/read-tokens.ts';
import { tokenId, type TokenRecord } from '../../sidecar/auth/token-record.ts';

/** Of a Secret, as the API server gives it: base64. */
export type SecretData = Readonly<Record<string, string>>;

export interface StoredToken {
  readonly caller: string;
  /** The beginning of its digest. */
  readonly id?: string;
  readonly status: 'Active' | 'Expired' | 'Invalid';
  readonly created?: Date;
  readonly expires?: Date;
  readonly for?: string;
  /** `digest`: who reads the Secret cannot call. */
  readonly stored?: 'digest' | 'plain';
  /** Why nobody can call. */
  readonly fault?: string;
}

export const contentOf = (text: string): Buffer => Buffer.from(text, 'base64');

export const storedTokens = (data: SecretData, nowMs: number): StoredToken[] =>
  Object.entries(data)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([caller, text]): StoredToken[] => {
      const read = readCallerFile(contentOf(text));
      if ('fault' in read) return [{ caller, status: 'Invalid', fault: read.fault }];
      return read.records.map((record) => shown(caller, record, nowMs));
    });

export function shown(caller: string, record: TokenRecord, nowMs: number): StoredToken {
  const { plain, createdAtMs, expiresAtMs, madeFor } = record;
  return {
    caller,
    id: tokenId(record),
    status: isExpired(record, nowMs) ? 'Expired' : 'Active',
    ...(createdAtMs === undefined ? {} : { created: new Date(createdAtMs) }),
    ...(expiresAtMs === undefined ? {} : { expires: new Date(expiresAtMs) }),
    ...(madeFor === undefined ? {} : { for: madeFor }),
    stored: plain === undefined ? 'digest' : 'plain',
  };
}

export const isExpired = ({ expiresAtMs }: TokenRecord, nowMs: number): boolean =>
  expiresAtMs !== undefined && expiresAtMs <= nowMs;
