/** What the sidecar is told of who may call: one kind of credential, several, or none. */
import * as z from 'zod';
import { directory, MOUNT, sourceName } from '../mounts.ts';
import { mtlsAuth } from './mtls/mtls-config.ts';
import { oidcAuth } from './oidc/oidc-config.ts';

/** `NAMESPACE/SERVICEACCOUNT`, either may hold `*`. */
export const PRINCIPAL_GLOB = /^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?\/[a-z0-9*]([-.a-z0-9*]*[a-z0-9*])?$/;

export const kubernetesAuth = z.strictObject({
  mode: z.literal('kubernetes'),
  /** The audience that a token must carry: this workload's own. */
  audience: z.string().min(1).max(256),
  /** Who may call, as `NAMESPACE/SERVICEACCOUNT` globs. */
  allowPrincipals: z
    .array(z.string().regex(PRINCIPAL_GLOB, 'is NAMESPACE/SERVICEACCOUNT, either may hold "*"'))
    .min(1),
  /** `tokenreview`: the API server is asked about each token as well, so that one that was taken away is refused. */
  verify: z.enum(['jwks', 'tokenreview']).default('jwks'),
  /** A ConfigMap with the keys of those who may say for whom they ask. */
  trustedActors: z
    .strictObject({ source: sourceName, directory: directory.default(MOUNT.trustedActors) })
    .optional(),
  directory: directory.default(MOUNT.kubernetes),
});

export type KubernetesAuth = z.infer<typeof kubernetesAuth>;

export const tokenAuth = z.strictObject({
  mode: z.literal('token'),
  /** Is the principal's issuer too. */
  source: sourceName,
  directory: directory.default(MOUNT.tokens),
});

const kinds = [kubernetesAuth, oidcAuth, tokenAuth, mtlsAuth] as const;
const oneKind = z.discriminatedUnion('mode', kinds);

export const authConfig = z.discriminatedUnion('mode', [
  ...kinds,
  z.strictObject({
    mode: z.literal('several'),
    /** The form of a credential says which of them judges it. */
    of: z
      .array(oneKind)
      .min(2)
      .refine((of) => new Set(of.map(({ mode }) => mode)).size === of.length, 'names a kind twice'),
  }),
  z.strictObject({ mode: z.literal('none') }),
]);

export type AuthConfig = z.infer<typeof authConfig>;
export type KindConfig = z.infer<typeof oneKind>;
export type AuthKind = KindConfig['mode'];

export function kindsOf(auth: AuthConfig): readonly KindConfig[] {
  if (auth.mode === 'none') return [];
  return auth.mode === 'several' ? auth.of : [auth];
}

/** As the annotation has it. */
export const authWords = (auth: AuthConfig): string =>
  kindsOf(auth)
    .map(({ mode }) => mode)
    .join(',') || 'none';
