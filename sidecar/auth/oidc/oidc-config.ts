/** What the sidecar is told of tokens of an OpenID provider. */
import * as z from 'zod';

export const oidcAuth = z.strictObject({
  mode: z.literal('oidc'),
  issuer: z.url({ protocol: /^https$/ }),
  /** All of them must be in each token. */
  requiredScopes: z.array(z.string().min(1)).optional(),
});

export type OidcAuth = z.infer<typeof oidcAuth>;
