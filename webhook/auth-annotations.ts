/** The annotations of who may call: rows of the table in annotations.ts. */
import { z } from 'zod';
import { PRINCIPAL_GLOB, type AuthKind } from '../sidecar/auth/auth-config.ts';
import { dnsName, listOf, oneOf, volumeDirectory } from './grammar.ts';
import type { Annotation } from './grammar.ts';
import { MTLS_ANNOTATIONS } from './mtls-annotations.ts';
import { OIDC_ANNOTATIONS } from './oidc-annotations.ts';

/** The kinds that `auth` takes. */
const AUTH_WORDS = ['kubernetes', 'oidc', 'token', 'mtls'] as const satisfies readonly AuthKind[];

export const AUTH_ANNOTATIONS = {
  auth: {
    grammar: listOf(z.enum([...AUTH_WORDS, 'none'])).refine(
      (words) => new Set(words).size === words.length && (words.length === 1 || !words.includes('none')),
    ),
    allowed: `a comma list of ${AUTH_WORDS.map((each) => `"${each}"`).join(', ')}, or "none" alone`,
    default: 'kubernetes',
    doc: 'Who may call: holders of a service-account token made for this workload, of a token of an OpenID provider, of a token from a Secret, of a client certificate, or anyone. Of several, the form of what a caller shows says which of them judges it.',
  },
  audience: {
    grammar: z.string().regex(/^[!-~]{1,256}$/),
    allowed: 'up to 256 printable ASCII characters without spaces',
    otherwise: '`https://NAME.NAMESPACE.mcp.kubectl-mcp.dev`, of a named server `…/SERVER`',
    needs: { key: 'auth', value: 'kubernetes' },
    scope: 'server',
    doc: "The audience that a caller's token must carry. Sharing one lets a server use its callers' tokens at another.",
  },
  'allow-principals': {
    grammar: listOf(z.string().regex(PRINCIPAL_GLOB)),
    allowed: 'a comma list of NAMESPACE/SERVICEACCOUNT, either may hold "*"',
    otherwise: "`NAMESPACE/*` of the pod's namespace",
    needs: { key: 'auth', value: 'kubernetes' },
    doc: 'Service accounts that may call. Replaces the default.',
  },
  verify: {
    ...oneOf('jwks', 'tokenreview'),
    otherwise: '`jwks`',
    needs: { key: 'auth', value: 'kubernetes' },
    doc: "How tokens of service accounts are checked: with the cluster's public keys, asking nobody; or the API server is asked as well, which knows what was deleted. For that the pod's service account needs the cluster role `system:auth-delegator`.",
  },
  'trusted-actors': {
    grammar: dnsName,
    allowed: "the name of a ConfigMap of the pod's namespace",
    otherwise: 'none: who says for whom it asks is refused',
    needs: { key: 'auth', value: 'kubernetes' },
    doc: 'The ConfigMap with the public keys of service accounts that may call for their users: each key is `NAMESPACE.SERVICEACCOUNT`, its value a JWKS. Changes are taken without a restart.',
  },
  'token-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'required by `auth: token`, or `token-volume`',
    needs: { key: 'auth', value: 'token' },
    doc: 'The Secret with the tokens: each key is a caller, its value the token.',
  },
  'token-volume': {
    grammar: volumeDirectory,
    allowed: 'VOLUME or VOLUME/DIR, a volume of the pod and a directory in it',
    otherwise: 'see `token-secret`',
    needs: { key: 'auth', value: 'token' },
    insteadOf: 'token-secret',
    doc: "A volume of the pod with the tokens, a file per caller, that another tool fills. The server's container may not mount it.",
  },
  ...OIDC_ANNOTATIONS,
  ...MTLS_ANNOTATIONS,
} as const satisfies Record<string, Annotation>;
