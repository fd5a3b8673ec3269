import type { Pass } from '../passes.ts';
import { refuse } from '../reasons.ts';

/** Where a developer's own tools run, the MCP inspector for one; also what a page of another site cannot claim to be. */
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * Refuses what a browser sends from any other site (specification 2025-11-25 and 2026-07-28, transports: servers MUST
 * validate Origin): a name of the attacker's that resolves to this pod or to a port-forward would otherwise make every
 * page a client. Programs send no Origin and are let through.
 */
export const originCheck: Pass = {
  name: 'origin',
  needs: ['head'],
  head(exchange) {
    const { origin } = exchange.head.headers;
    if (origin === undefined || LOOPBACK_ORIGIN.test(origin)) return undefined;
    exchange.rule = 'origin';
    return refuse('origin-forbidden');
  },
};
