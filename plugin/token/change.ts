/** What is made of a Secret's tokens. Pure: randomness and time come in. */
import { hash } from 'node:crypto';
import { readCallerFile } from '../../sidecar/auth/read-tokens.ts';
import { formatToken, TOKEN_BYTES } from '../../sidecar/auth/token-format.ts';
import { formatRecord, tokenId, type TokenRecord } from '../../sidecar/auth/token-record.ts';
import { CliError, usageError } from '../errors.ts';
import type { Random } from '../enable/secrets.ts';
import { contentOf, isExpired, type SecretData } from './stored.ts';

export interface TokenChange {
  /** Null: the key is removed. */
  readonly data: Readonly<Record<string, string | null>>;
  /** Whether the Secret still is as the change left it. */
  readonly isIn: (data: SecretData) => boolean;
}

export interface NewToken extends TokenChange {
  /** To be shown once, and kept nowhere. */
  readonly token: string;
  readonly record: TokenRecord;
}

export interface Wanted {
  readonly caller: string;
  readonly nowMs: number;
  readonly random: Random;
  readonly madeFor?: string | undefined;
  /** For messages: `secret/NAME`. */
  readonly source: string;
}

/** What the API server takes as a key of a Secret (IsConfigMapKey). */
const CALLER = /^(?!\.\.?$|\.\.)[-._a-zA-Z0-9]{1,253}$/;

export function createToken(
  data: SecretData,
  wanted: Wanted & { readonly expiresAtMs: number | undefined },
): NewToken {
  const { caller, source, nowMs } = wanted;
  if (!CALLER.test(caller))
    throw usageError(`invalid caller "${caller}": up to 253 letters, digits, "-", "_" and "."`);
  if (data[caller] !== undefined)
    throw new CliError(
      `Error from server (AlreadyExists): caller "${caller}" already has a token in ${source}\nReplace it: kubectl mcp token rotate`,
      { bare: true },
    );
  return newToken(wanted, { nowMs, expiresAtMs: wanted.expiresAtMs, before: [] });
}

/**
 * A new token for a caller; those that it has end after the overlap at the latest, and are digests from now on.
 * @param expiryOf of the new token, by the lifetime of the one before
 */
export function rotateToken(
  data: SecretData,
  wanted: Wanted & {
    readonly overlapMs: number;
    readonly expiryOf: (before: number | undefined) => number | undefined;
  },
): NewToken & { readonly kept: readonly TokenRecord[] } {
  const { caller, source, nowMs, overlapMs } = wanted;
  const records = recordsOf(data, caller, source);
  const endMs = nowMs + overlapMs;
  const kept =
    overlapMs === 0
      ? []
      : records
          .filter((each) => !isExpired(each, nowMs))
          .map(({ plain: _plain, ...each }) => ({
            ...each,
            expiresAtMs: Math.min(each.expiresAtMs ?? endMs, endMs),
          }));
  const last = records.at(-1);
  const lifetimeMs =
    last?.expiresAtMs === undefined || last.createdAtMs === undefined
      ? undefined
      : last.expiresAtMs - last.createdAtMs;
  const madeFor = wanted.madeFor ?? last?.madeFor;
  const made = newToken(
    { ...wanted, madeFor },
    { nowMs, expiresAtMs: wanted.expiryOf(lifetimeMs), before: kept },
  );
  return { ...made, kept };
}

/** @param id of one token of the caller; all of them unless given. */
export function revokeTokens(
  data: SecretData,
  { callers, id, source }: { callers: readonly string[]; id?: string | undefined; source: string },
): TokenChange {
  const changed: Record<string, string | null> = {};
  const gone: Buffer[] = [];
  for (const caller of callers) {
    // What cannot be read is taken away whole.
    if (data[caller] === undefined) throw notThere(caller, data, source);
    const read = readCallerFile(contentOf(data[caller]));
    const records = 'fault' in read ? [] : read.records;
    const taken = id === undefined ? records : records.filter((each) => tokenId(each) === id);
    if (id !== undefined && taken.length === 0)
      throw new CliError(
        `caller "${caller}" has no token ${id} in ${source}; it has: ${records.map(tokenId).join(', ') || 'none'}`,
      );
    const left = records.filter((each) => !taken.includes(each));
    changed[caller] = left.length === 0 ? null : base64(left);
    gone.push(...taken.map(({ digest }) => digest));
  }
  return {
    data: changed,
    isIn: (now) =>
      Object.entries(changed).every(([caller, text]) => text !== null || now[caller] === undefined) &&
      gone.every((digest) => !digestsIn(now).some((each) => each.equals(digest))),
  };
}

function newToken(
  { caller, random, madeFor }: Wanted,
  {
    nowMs,
    expiresAtMs,
    before,
  }: { nowMs: number; expiresAtMs: number | undefined; before: readonly TokenRecord[] },
): NewToken {
  const token = formatToken(random(TOKEN_BYTES));
  const record: TokenRecord = {
    digest: hash('sha256', token, 'buffer'),
    createdAtMs: nowMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(madeFor === undefined ? {} : { madeFor }),
  };
  return {
    token,
    record,
    data: { [caller]: base64([...before, record]) },
    isIn: (now) => digestsIn(now).some((each) => each.equals(record.digest)),
  };
}

const base64 = (records: readonly TokenRecord[]): string =>
  Buffer.from(`${records.map(formatRecord).join('\n')}\n`).toString('base64');

const digestsIn = (data: SecretData): Buffer[] =>
  Object.values(data).flatMap((text) => {
    const read = readCallerFile(contentOf(text));
    return 'fault' in read ? [] : read.records.map(({ digest }) => digest);
  });

function recordsOf(data: SecretData, caller: string, source: string): readonly TokenRecord[] {
  const text = data[caller];
  if (text === undefined) throw notThere(caller, data, source);
  const read = readCallerFile(contentOf(text));
  return 'fault' in read ? [] : read.records;
}

const notThere = (caller: string, data: SecretData, source: string): CliError =>
  new CliError(
    `Error from server (NotFound): ${source} has no caller "${caller}"; it has: ${Object.keys(data).toSorted().join(', ') || 'none'}`,
    { bare: true },
  );
