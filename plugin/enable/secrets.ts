/** The Secrets that annotations alone cannot give. Pure: randomness comes in. */
import type { V1Secret } from '@kubernetes/client-node';
import { formatToken, TOKEN_BYTES } from '../../sidecar/auth/token-format.ts';
import { keysSecretName, tokensSecretName } from '../../webhook/names.ts';
import type { Change } from './change.ts';
import { ownedMetadata } from './owned.ts';
import { annotationOf, type Workload } from './workload.ts';

export type Random = (bytes: number) => Uint8Array;

/** The caller that `--auth token` starts with. */
export const FIRST_CALLER = 'default';
const KEY_BYTES = 32;

/** Those that are not there yet. */
export function secretChanges(
  wanted: Workload,
  name: string,
  secrets: readonly V1Secret[],
  random: Random,
): Change[] {
  const { namespace } = wanted.metadata;
  const there = (secretName: string) => secrets.some((each) => each.metadata?.name === secretName);
  const changes: Change[] = [];
  if (!there(keysSecretName(name))) {
    changes.push(created(keysSecret(name, namespace, random), 'session: 32 random bytes'));
  }
  const tokens = annotationOf(wanted.spec.template, 'token-secret');
  if (tokens === tokensSecretName(name) && !there(tokens)) {
    changes.push(created(tokensSecret(name, namespace, random), 'default: a random token'));
  }
  return changes;
}

const created = (after: V1Secret, detail: string): Change => ({
  after,
  done: 'created',
  details: [detail],
});

/** The key that replicas share to open each other's session ids; `data` is base64, the file holds 32 bytes. */
export const keysSecret = (name: string, namespace: string, random: Random): V1Secret =>
  secret(keysSecretName(name), namespace, name, { session: base64(random(KEY_BYTES)) });

/** One token for one caller, readable for who tries the server; further ones are digests (`kubectl mcp token`). */
export const tokensSecret = (name: string, namespace: string, random: Random): V1Secret =>
  secret(tokensSecretName(name), namespace, name, {
    [FIRST_CALLER]: base64(Buffer.from(formatToken(random(TOKEN_BYTES)))),
  });

const secret = (
  secretName: string,
  namespace: string,
  instance: string,
  data: Record<string, string>,
): V1Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: ownedMetadata(secretName, namespace, instance),
  type: 'Opaque',
  data,
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
