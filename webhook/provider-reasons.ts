/** Of the reasons to refuse a pod those about who tells callers apart: rows of the table in reasons.ts. */
import type { ReasonRow } from './reasons.ts';

export const PROVIDER_REASONS = {
  TokensMissing: {
    outcome: 'refused',
    means: '`auth: token` does not say where the tokens are.',
    mend: 'set `token-secret` or `token-volume`',
  },
  IssuerMissing: {
    outcome: 'refused',
    means: '`auth: oidc` does not say whose tokens are taken.',
    mend: 'set `oidc-issuer`',
  },
  ProviderUnproven: {
    outcome: 'refused',
    means:
      'A URL of a provider is plain HTTP on localhost. In a pod that is the pod’s own loopback, which the server shares: it could stand in for the provider, and let in whom it likes. On a machine of your own, `kubectl mcp proxy` takes it.',
    mend: 'write a URL of https',
  },
} as const satisfies Record<string, ReasonRow>;
