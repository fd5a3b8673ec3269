import type { Pass } from '../passes.ts';
import { refuse } from '../reasons.ts';

/** Notes which policy was in force, and lets nobody through while there is none. */
export function createPolicyGate(revision: () => string | undefined): Pass {
  return {
    name: 'policy',
    needs: ['head'],
    head(exchange) {
      const inForce = revision();
      if (inForce === undefined) {
        exchange.rule = 'policy';
        return refuse('policy-unavailable', undefined, { 'retry-after': '5' });
      }
      exchange.policy = inForce;
      return undefined;
    },
    /** What was refused before it came here is recorded with the policy too. */
    ended(exchange) {
      const inForce = revision();
      if (exchange.policy === undefined && inForce !== undefined) exchange.policy = inForce;
    },
  };
}
