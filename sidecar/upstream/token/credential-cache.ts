import type { UpstreamError } from '../upstream-error.ts';
import type { Granted } from './token-answer.ts';

export interface CredentialCache {
  /**
   * The token of this key; while there is none the promise of it, of which there is one for all who wait. One that soon
   * ends is renewed while it is still used.
   * @param grant asks for one. @throws {UpstreamError}
   */
  get(key: string, grant: () => Promise<Granted>): string | Promise<string>;
  /**
   * The server has refused it.
   * @returns whether another may do better
   */
  refused(key: string, token: string): boolean;
  /** Failures are forgotten: something about the way to ask has changed. */
  retry(): void;
  close(): void;
}

interface Entry {
  token?: string | undefined;
  obtainedAtMs: number;
  renewAtMs: number;
  endsAtMs: number;
  pending?: Promise<string> | undefined;
  failure?: { readonly error: UpstreamError; readonly untilMs: number } | undefined;
}

const MAX_ENTRIES = 2_048;
const SWEEP_MS = 30_000;
/** Not sent any more when it has this long to live, or a tenth of its life: it is on its way for a while. */
const MARGIN_MS = 10_000;
/** Renewed in the last minute, or the last fifth of its life. */
const RENEW_MS = 60_000;
/** Who asks in vain, asks again after this long. */
const FAILURE_MS = 2_000;
/** One that was made for this server a moment ago will not be followed by a better one. */
const YOUNG_MS = 10_000;

export function createCredentialCache(now: () => number = () => performance.now()): CredentialCache {
  const entries = new Map<string, Entry>();
  const sweeper = setInterval(sweep, SWEEP_MS).unref();

  function sweep(): void {
    const nowMs = now();
    for (const [key, { endsAtMs, pending, failure }] of entries)
      if (!pending && nowMs >= endsAtMs && nowMs >= (failure?.untilMs ?? 0)) entries.delete(key);
  }

  function entryOf(key: string): Entry {
    const known = entries.get(key);
    if (known) return known;
    // Those who wait for it have it all the same.
    if (entries.size >= MAX_ENTRIES) entries.delete(entries.keys().next().value!);
    const made: Entry = { obtainedAtMs: 0, renewAtMs: 0, endsAtMs: 0 };
    entries.set(key, made);
    return made;
  }

  async function renew(entry: Entry, grant: () => Promise<Granted>): Promise<string> {
    const askedAtMs = now();
    try {
      const { token, lifeMs } = await grant();
      entry.token = token;
      entry.failure = undefined;
      entry.obtainedAtMs = now();
      entry.endsAtMs = askedAtMs + lifeMs - Math.min(MARGIN_MS, lifeMs / 10);
      entry.renewAtMs = askedAtMs + lifeMs - Math.min(RENEW_MS, lifeMs / 5);
      return token;
    } catch (error) {
      const untilMs = now() + FAILURE_MS;
      entry.failure = { error: error as UpstreamError, untilMs };
      entry.renewAtMs = untilMs;
      throw error;
    } finally {
      entry.pending = undefined;
    }
  }

  return {
    get(key, grant) {
      const entry = entryOf(key);
      const nowMs = now();
      const { token, failure } = entry;
      const isGood = token !== undefined && nowMs < entry.endsAtMs;
      if (isGood && nowMs < entry.renewAtMs) return token;
      if (!isGood && failure && nowMs < failure.untilMs) return Promise.reject(failure.error);
      entry.pending ??= renew(entry, grant);
      if (!isGood) return entry.pending;
      // It is told when the one in use has ended, if that is still so.
      entry.pending.catch(() => undefined);
      return token;
    },
    refused(key, token) {
      const entry = entries.get(key);
      if (!entry || entry.token !== token) return true;
      if (now() - entry.obtainedAtMs < YOUNG_MS) return false;
      entry.token = undefined;
      return true;
    },
    retry() {
      for (const entry of entries.values()) entry.failure = undefined;
    },
    close() {
      clearInterval(sweeper);
      entries.clear();
    },
  };
}
