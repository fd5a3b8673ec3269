/** What the sidecar is told of tokens of an OpenID provider. */
import * as z from 'zod';
import { directory, MOUNT, sourceName } from '../../mounts.ts';
import { providerUrl } from '../../outbound/provider-url.ts';

/** Asymmetric ones alone: with HS256 the public key would be the secret, and `none` is no signature (RFC 8725 section 3.1). */
export const OIDC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  // What EdDSA is called since RFC 9864.
  'Ed25519',
] as const;
export const oidcAlgorithm = z.enum(OIDC_ALGORITHMS);

/** As the provider writes it in `iss`, to the byte. */
export const issuerUrl = providerUrl.refine(
  (text) => !/[?#]/.test(text),
  'is a URL without query and fragment',
);

/** A name, or a path of names with dots between them. */
export const claimName = z.string().regex(/^[!-~]{1,256}$/, 'is up to 256 printable ASCII characters');
/** RFC 6749 section 3.3. */
export const scopeToken = z
  .string()
  .regex(
    /^[!#-[\]-~]{1,256}$/,
    'is up to 256 printable ASCII characters without spaces, quotes and backslashes',
  );
/** As the provider writes it; in annotations a comma stands between two. */
export const oidcGroup = z.string().min(1).max(512);
export const oidcAudience = z.string().regex(/^[!-~]{1,512}$/, 'is up to 512 printable ASCII characters');

export const oidcAuth = z.strictObject({
  mode: z.literal('oidc'),
  issuer: issuerUrl,
  /** One of them must be in a token's `aud`. */
  audiences: z.array(oidcAudience).min(1).max(32),
  /** In place of discovery. */
  jwksUrl: providerUrl.optional(),
  algorithms: z
    .array(oidcAlgorithm)
    .min(1)
    .default([...OIDC_ALGORITHMS]),
  nameClaim: claimName.default('sub'),
  groupsClaim: claimName.default('groups'),
  /** Further ones that rules see, as `principal.claims`. */
  claims: z.array(claimName).max(32).optional(),
  /** All of them must be in each token. */
  requiredScopes: z.array(scopeToken).max(32).optional(),
  /** What clients are told to ask for, where that is not `requiredScopes`. */
  scopes: z.array(scopeToken).max(32).optional(),
  /** One of them must be had; as the provider writes them. */
  allowGroups: z.array(oidcGroup).max(256).optional(),
  /** For tokens that are no JWTs: `client_id` and `client_secret` for the provider's introspection endpoint. */
  introspection: z
    .strictObject({ source: sourceName, directory: directory.default(MOUNT.introspection) })
    .optional(),
});

export type OidcAuth = z.infer<typeof oidcAuth>;
