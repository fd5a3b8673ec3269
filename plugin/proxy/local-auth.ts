/** `--auth` over what is configured. Pure. */
import { kindsOf, type AuthConfig, type KindConfig } from '../../sidecar/auth/auth-config.ts';
import { wordsOf } from '../../webhook/idle-keys.ts';
import { usageError } from '../errors.ts';
import type { FileKind } from './file-flags.ts';
import type { Followed } from './local-config.ts';

/** What is to be checked by the sidecar's own schema: a kind of which nothing is known has its mode alone. */
export function localAuth(
  configured: AuthConfig | undefined,
  wanted: string,
  { tokens, introspection, clientAuthority }: Partial<Record<FileKind, Followed>>,
): object | undefined {
  const known = configured ? kindsOf(configured) : [];
  const [first, ...others] = wordsOf(wanted).map((mode) => ({
    mode,
    ...known.find((each: KindConfig) => each.mode === mode),
    ...(mode === 'token' && tokens),
    ...(mode === 'oidc' && introspection && { introspection }),
    ...(mode === 'mtls' && clientAuthority),
  }));
  return others.length === 0 ? first : { mode: 'several', of: [first, ...others] };
}

type AuthFlag =
  | 'authTokenFile'
  | 'clientCaFile'
  | 'config'
  | 'oidcAudience'
  | 'oidcIntrospectionFile'
  | 'publicUrl'
  | 'tlsCertFile';

/** @throws {CliError} for kinds that need what is not given, or a pod */
export function checkAuthFlags({
  auth,
  authTokenFile,
  clientCaFile,
  config,
  oidcAudience,
  oidcIntrospectionFile,
  publicUrl,
  tlsCertFile,
}: Readonly<Partial<Record<AuthFlag, unknown>> & { auth?: string }>): void {
  if (clientCaFile !== undefined && !wordsOf(auth).includes('mtls'))
    throw usageError(`--client-ca-file has no effect without --auth mtls`);
  if (auth === undefined) return;
  const words = wordsOf(auth);
  if (words.includes('mtls') && clientCaFile === undefined && config === undefined)
    throw usageError('--auth mtls needs --client-ca-file FILE: of whom client certificates must be');
  if (words.includes('mtls') && tlsCertFile === undefined && config === undefined)
    throw usageError(
      '--auth mtls needs --tls-cert-file and --tls-private-key-file: it is shown in the TLS handshake',
    );
  if (words.includes('kubernetes')) throw needsCluster('--auth kubernetes');
  if (words.includes('token') && authTokenFile === undefined)
    throw usageError('--auth token needs --auth-token-file FILE: a line NAME=TOKEN for each caller');
  if (!words.includes('token') && authTokenFile !== undefined)
    throw usageError(`--auth-token-file has no effect with --auth ${auth}`);
  if (!words.includes('oidc') && oidcIntrospectionFile !== undefined)
    throw usageError(`--oidc-introspection-file has no effect with --auth ${auth}`);
  if (words.includes('oidc') && [config, oidcAudience, publicUrl].every((each) => each === undefined))
    throw usageError('--auth oidc needs --oidc-audience: what stands in the claim "aud" of its tokens');
}

/** @param what asks for it. */
export const needsCluster = (what: string): Error =>
  usageError(
    `${what} needs a pod: its proxy reads the cluster's keys with the pod's own service account\nHere callers can have tokens of a file, --auth-token-file FILE, of an OpenID provider, --auth oidc, or none, --auth none`,
  );
