import type { Exchange } from '../exchange.ts';
import type { Pass } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { SCOPES_RULE } from './policy.ts';

/**
 * Tells callers of visible tools which scopes their token lacks. Stands behind every pass that decides: a tool that one
 * of them denies is hidden, and a word on its scopes would show it.
 * @param challenged adds the header that clients go by
 */
export const createScopeGate = (
  challenged: (refusal: Refusal, head: Exchange['head'], scopes: readonly string[]) => Refusal,
): Pass => ({
  name: 'scopes',
  needs: ['request'],
  request(exchange) {
    const { needsScopes, head } = exchange;
    if (!needsScopes) return undefined;
    exchange.rule = SCOPES_RULE;
    return challenged(refuse('scope-insufficient', needsScopes.join(' ')), head, needsScopes);
  },
});
