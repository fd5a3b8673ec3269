/** How long a token is good, as flags say it. Pure. */
import { parseDurationMs } from '../flags.ts';
import { usageError } from '../errors.ts';

export interface LifetimeFlags {
  /** `90d`, `12h`, `never`. */
  readonly expiresIn?: string;
  /** `2027-01-31`, `2027-01-31T12:00:00Z`. */
  readonly expiresAt?: string;
}

export const DEFAULT_LIFETIME = '90d';
const DAY_MS = 86_400_000;
/** Dates that every reader of a Secret takes: four digits of a year. */
const LAST_MS = Date.parse('9999-12-31T00:00:00Z');

/** When it ends; undefined: never. @param otherwise of a token whose flags say nothing: a lifetime, or undefined for ever */
export function expiryOf(
  { expiresIn, expiresAt }: LifetimeFlags,
  nowMs: number,
  otherwise: number | undefined,
): number | undefined {
  if (expiresIn !== undefined && expiresAt !== undefined)
    throw usageError('--expires-in and --expires-at may not be used together');
  const atMs = expiresAt === undefined ? undefined : timeOf(expiresAt);
  const lifetimeMs = expiresIn === undefined ? otherwise : daysOf(expiresIn, '--expires-in');
  const endMs = atMs ?? (lifetimeMs === undefined ? undefined : wholeSeconds(nowMs + lifetimeMs));
  if (endMs === undefined) return undefined;
  const [flag, value] = atMs === undefined ? ['--expires-in', expiresIn] : ['--expires-at', expiresAt];
  if (endMs <= nowMs)
    throw usageError(`invalid argument "${value}" for "${flag}" flag: it is not in the future`);
  if (endMs > LAST_MS)
    throw usageError(`invalid argument "${value}" for "${flag}" flag: say "--expires-in never"`);
  return endMs;
}

/** kubectl's durations, with days; undefined: `never`. */
export function daysOf(value: string, flag: string): number | undefined {
  if (value === 'never') return undefined;
  const [, days, rest = ''] = /^(\d{1,5})d(.*)$/.exec(value) ?? [];
  if (days === undefined) return parseDurationMs(value, flag);
  return Number(days) * DAY_MS + (rest === '' ? 0 : parseDurationMs(rest, flag));
}

function timeOf(value: string): number {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(value);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(value);
  const atMs = isDate || isTime ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(atMs))
    throw usageError(
      `invalid argument "${value}" for "--expires-at" flag: must be a date or a time with its zone, like 2027-01-31 or 2027-01-31T12:00:00Z`,
    );
  return atMs;
}

/** As it is written down. */
const wholeSeconds = (atMs: number): number => Math.floor(atMs / 1000) * 1000;
