/** Reasons that lie in rules of the namespace: rows of the table in reasons.ts. */
import type { ReasonRow } from './reasons.ts';

export const NAMESPACE_REASONS = {
  LimitRangeExceeded: {
    outcome: 'refused',
    means:
      'A LimitRange of the namespace does not admit the pod with the proxy: one of its containers, or their sum. Foreseen before pods are made; the API server refuses them.',
    mend: 'give the init container `mcp-proxy` of the pod template resources that fit, or change the LimitRange',
  },
  QuotaExceeded: {
    outcome: 'refused',
    means:
      'A ResourceQuota of the namespace has no room for the pod with the proxy. Foreseen before pods are made; the API server refuses them while it is so.',
    mend: 'raise the quota, make room in the namespace, or give the init container `mcp-proxy` smaller resources',
  },
  PodSecurityViolated: {
    outcome: 'refused',
    means:
      'The pod violates the Pod Security level of its namespace, with or without the proxy, which itself satisfies `restricted`. Foreseen before pods are made; the API server refuses them.',
    mend: 'change the named fields of the pod template, or the level of the namespace',
  },
} as const satisfies Record<string, ReasonRow>;
