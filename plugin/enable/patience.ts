/** A rollout takes minutes: an API server that is away for a moment is no reason to take all back. */
import { isTransient } from '../kube/errors.ts';

const GRACE_MS = 30_000;

/** Gives what `work` gives, or undefined while the API server is away. @throws what it throws when that lasts. */
export type Patience = <T>(work: () => Promise<T>) => Promise<T | undefined>;

export function createPatience(nowMs: () => number): Patience {
  let awaySinceMs: number | undefined;
  return async (work) => {
    try {
      const result = await work();
      awaySinceMs = undefined;
      return result;
    } catch (error) {
      awaySinceMs ??= nowMs();
      if (!isTransient(error) || nowMs() - awaySinceMs > GRACE_MS) throw error;
      return undefined;
    }
  };
}
