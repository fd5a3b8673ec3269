/** `--auth` over what is configured. Pure. */
import { kindsOf, type AuthConfig, type KindConfig } from '../../sidecar/auth/auth-config.ts';
import { wordsOf } from '../../webhook/idle-keys.ts';
import { usageError } from '../errors.ts';
import type { Followed } from './local-config.ts';

/** What is to be checked by the sidecar's own schema: a kind of which nothing is known has its mode alone. */
export function localAuth(
  configured: AuthConfig | undefined,
  wanted: string,
  tokens: Followed | undefined,
): object | undefined {
  const known = configured ? kindsOf(configured) : [];
  const [first, ...others] = wordsOf(wanted).map((mode) => ({
    mode,
    ...known.find((each: KindConfig) => each.mode === mode),
    ...(mode === 'token' && tokens),
  }));
  return others.length === 0 ? first : { mode: 'several', of: [first, ...others] };
}

/** @throws {CliError} for kinds that need what is not given, or a pod */
export function checkAuthFlags({
  auth,
  authTokenFile,
}: {
  readonly auth?: string;
  readonly authTokenFile?: string;
}): void {
  if (auth === undefined) return;
  const words = wordsOf(auth);
  if (words.includes('kubernetes')) throw needsCluster('--auth kubernetes');
  if (words.includes('token') && authTokenFile === undefined)
    throw usageError('--auth token needs --auth-token-file FILE: a line NAME=TOKEN for each caller');
  if (!words.includes('token') && authTokenFile !== undefined)
    throw usageError(`--auth-token-file has no effect with --auth ${auth}`);
}

/** @param what asks for it. */
export const needsCluster = (what: string): Error =>
  usageError(
    `${what} needs a pod: its proxy reads the cluster's keys with the pod's own service account\nHere callers can have tokens of a file, --auth-token-file FILE, or none, --auth none`,
  );
