/**
 * What a caller is told of a thing that it sees. These stand behind every pass that decides: what one of them denies is
 * hidden, and a word on its arguments or scopes would show it.
 */
import type { Exchange } from '../exchange.ts';
import type { Pass } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { SCOPES_RULE } from './policy.ts';

/** Tells callers that the arguments are what is forbidden. */
export const argumentsGate: Pass = {
  name: 'arguments',
  needs: ['request'],
  request: ({ forbidden }) => forbidden,
};

/**
 * Tells callers of visible tools which scopes their token lacks.
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
