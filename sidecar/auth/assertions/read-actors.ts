import { createPublicKey, type JsonWebKeyInput } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import { firstFaults } from '../../mounted/faults.ts';

/** Who may speak for others, and with which keys. */
export interface TrustedActor {
  /** `NAMESPACE/SERVICEACCOUNT`. */
  readonly account: string;
  readonly find: JWTVerifyGetKey;
  readonly text: string;
}

export interface ActorsRead {
  /** By the name that callers have: `system:serviceaccount:NAMESPACE:SERVICEACCOUNT`. */
  readonly actors: ReadonlyMap<string, TrustedActor>;
  /** Of files that are left out: whose keys cannot be read is not trusted. */
  readonly faults: readonly string[];
}

/** A namespace has no dots, a service account may. */
const FILE = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.([a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)$/;
const MAX_KEYS = 20;
const MIN_RSA_BITS = 2_048;
const CURVES: Readonly<Record<string, readonly string[]>> = {
  EC: ['P-256', 'P-384', 'P-521'],
  OKP: ['Ed25519'],
};

/**
 * Reads the files of `trusted-actors`: `NAMESPACE.SERVICEACCOUNT` with a JWKS of public keys each (RFC 7517).
 * @param before of which what has not changed stays the same object
 */
export function readActors(
  files: ReadonlyMap<string, Buffer>,
  before: ActorsRead['actors'] = new Map(),
): ActorsRead {
  const actors = new Map<string, TrustedActor>();
  const faults: string[] = [];
  if (files.size === 0) faults.push('names no actor');
  for (const [file, content] of files) {
    const [, namespace, name] = FILE.exec(file) ?? [];
    const text = content.toString('utf8');
    const keys = keysIn(text);
    const fault =
      namespace === undefined
        ? 'is not NAMESPACE.SERVICEACCOUNT'
        : typeof keys === 'string'
          ? keys
          : undefined;
    if (fault !== undefined) {
      faults.push(`${JSON.stringify(file.slice(0, 80))} ${fault}`);
      continue;
    }
    const actor = `system:serviceaccount:${namespace}:${name}`;
    const known = before.get(actor);
    actors.set(
      actor,
      known?.text === text
        ? known
        : { account: `${namespace}/${name}`, find: createLocalJWKSet(keys as JSONWebKeySet), text },
    );
  }
  return { actors, faults: firstFaults(faults) };
}

/** The key set, or what is wrong with it. */
function keysIn(text: string): JSONWebKeySet | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  const { keys } = (value ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0) return 'holds no key: it is not {"keys": […]}';
  if (keys.length > MAX_KEYS) return `holds more than ${MAX_KEYS} keys`;
  for (const [index, key] of keys.entries()) {
    const fault = keyFault(key as JWK | null);
    if (fault !== undefined) return `keys[${index}] ${fault}`;
  }
  const ids = keys.map(({ kid }: JWK) => kid);
  return new Set(ids).size === ids.length
    ? (value as JSONWebKeySet)
    : 'holds two keys with one kid, or without';
}

function keyFault(key: JWK | null): string | undefined {
  if (typeof key !== 'object' || key === null) return 'is no key';
  const { kty = '', crv = '', use } = key;
  // Whoever reads the ConfigMap could sign with it, and every proxy holds it.
  if ('d' in key || 'k' in key) return 'is a private or a shared key: public ones belong here';
  if (kty !== 'RSA' && !CURVES[kty]?.includes(crv)) return 'is neither RSA, EC nor Ed25519';
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' } as JsonWebKeyInput);
    return kty === 'RSA' && (asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS
      ? `has fewer than ${MIN_RSA_BITS} bits`
      : undefined;
  } catch {
    return 'cannot be read';
  }
}
