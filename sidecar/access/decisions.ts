import type { Principal } from '../principal.ts';
import type { AccessConfig } from './access-config.ts';

/** What the API server said about one caller. */
export interface Decisions {
  get(key: string): boolean | undefined;
  /** @param askedAtMs when it was asked: from then on it may have changed */
  set(key: string, allowed: boolean, askedAtMs: number): void;
  allowsSomething(): boolean;
  /** Questions under way: nobody asks the same one beside them. */
  readonly pending: Map<string, Promise<boolean>>;
}

/** Of all callers; beyond it all is forgotten, which costs questions and no more. */
const MAX_DECISIONS = 20_000;

/** Changes with what is asked of the API server alone, not with calls. */
export function createDecisions(
  {
    cacheAllowedSeconds,
    cacheDeniedSeconds,
  }: Pick<AccessConfig, 'cacheAllowedSeconds' | 'cacheDeniedSeconds'>,
  now: () => number,
  maxDecisions = MAX_DECISIONS,
): { of(principal: Principal): Decisions } {
  /** Each token is a principal of its own: those of one caller share what is known. */
  let callers = new Map<string, Decisions>();
  let byPrincipal = new WeakMap<Principal, Decisions>();
  let count = 0;

  function counted(): void {
    if (++count <= maxDecisions) return;
    callers = new Map();
    byPrincipal = new WeakMap();
    count = 0;
  }

  return {
    of(principal) {
      const known = byPrincipal.get(principal);
      if (known) return known;
      const key = JSON.stringify([principal.digest, principal.groups]);
      let decisions = callers.get(key);
      if (!decisions) {
        counted();
        decisions = ofCaller(counted);
        callers.set(key, decisions);
      }
      byPrincipal.set(principal, decisions);
      return decisions;
    },
  };

  function ofCaller(added: () => void): Decisions {
    const answers = new Map<string, { allowed: boolean; untilMs: number }>();
    let allowedUntilMs = -Infinity;
    return {
      get(key) {
        const answer = answers.get(key);
        return answer && now() < answer.untilMs ? answer.allowed : undefined;
      },
      set(key, allowed, askedAtMs) {
        if (!answers.has(key)) added();
        const untilMs = askedAtMs + (allowed ? cacheAllowedSeconds : cacheDeniedSeconds) * 1_000;
        answers.set(key, { allowed, untilMs });
        if (allowed) allowedUntilMs = Math.max(allowedUntilMs, untilMs);
      },
      allowsSomething: () => now() < allowedUntilMs,
      pending: new Map(),
    };
  }
}
