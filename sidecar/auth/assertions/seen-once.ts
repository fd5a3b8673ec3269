import { hash } from 'node:crypto';

/** What has been used, until it has expired; bounded. */
export interface SeenOnce {
  /** `full`: so many are remembered that no more can be. */
  use(owner: string, id: string, expiresAtMs: number): 'new' | 'again' | 'full';
  size(): number;
}

const SLICE_MS = 10_000;

/** In slices by expiry, so that none lives long: what is used twice expires at the same time twice. */
export function createSeenOnce(max: number, now: () => number): SeenOnce {
  const slices = new Map<number, Set<string>>();
  const size = (): number => [...slices.values()].reduce((sum, slice) => sum + slice.size, 0);
  return {
    use(owner, id, expiresAtMs) {
      for (const start of slices.keys()) if (start + SLICE_MS <= now()) slices.delete(start);
      const start = Math.floor(expiresAtMs / SLICE_MS) * SLICE_MS;
      const slice = slices.get(start) ?? new Set();
      const digest = hash('sha256', JSON.stringify([owner, id]), 'base64url');
      if (slice.has(digest)) return 'again';
      if (size() >= max) return 'full';
      slices.set(start, slice.add(digest));
      return 'new';
    },
    size,
  };
}
