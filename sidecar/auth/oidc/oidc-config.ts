/** What the sidecar is told of tokens of an OpenID provider. */
import * as z from 'zod';

export const oidcAuth = z.strictObject({
  mode: z.literal('oidc'),
  issuer: z.url({ protocol: /^https$/ }),
});

export type OidcAuth = z.infer<typeof oidcAuth>;
