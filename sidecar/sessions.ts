/**
 * Session ids that clients see are sealed by us (AES-256-GCM): the server's own id never leaves the pod, and an id is
 * good for the principal that it was made for and for no other.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export interface Session {
  /** What the client sends in `Mcp-Session-Id`. */
  readonly sealed: string;
  /** The server's own id. */
  readonly upstreamId: string;
  /** Digest of the principal that initialized it. */
  readonly principal: string;
  readonly podUid: string;
  /** Address and port that the pod's peers reach this sidecar at. */
  readonly address: string;
  /** The protocol version that was agreed on. */
  readonly version: string;
  /** Raw JSON of the initialize request's params, for a replica that must initialize again; null when too long to carry. */
  readonly initializeParams: string | null;
}

export interface Sessions {
  seal(fields: Omit<Session, 'sealed' | 'podUid' | 'address'>): Session;
  /** Undefined for what we did not seal, what another pod or another server of this one holds, and what belongs to another principal: all 404. */
  open(sealed: string, principal: string): Session | undefined;
  forget(session: Session): void;
}

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;
/** Servers take 16 KiB of headers in all; an initialize request with more than this is not carried. */
const MAX_INITIALIZE_CHARS = 2_048;
const MAX_SEALED_CHARS = 8_192;
/** Sessions over this are unsealed again when they are used: clients choose how many there are, and half of how long. */
const MAX_CACHED_BYTES = 4 * 1024 * 1024;
/** Of an entry beside its two long strings, measured. */
const ENTRY_BYTES = 512;

/** @param key 32 bytes; `undefined`: of this process alone, so that a restart ends its sessions */
export function createSessions(
  pod: { uid: string; address: string },
  key: Buffer = randomBytes(KEY_BYTES),
  maxCachedBytes = MAX_CACHED_BYTES,
): Sessions {
  if (key.length !== KEY_BYTES)
    throw new RangeError(`the session key has ${key.length} bytes, not ${KEY_BYTES}`);
  const cache = new Map<string, Session>();

  let cachedBytes = 0;

  function remember(session: Session): Session {
    cache.set(session.sealed, session);
    cachedBytes += bytesOf(session);
    for (const oldest of cache.values()) {
      if (cachedBytes <= maxCachedBytes) break;
      forget(oldest);
    }
    return session;
  }

  function forget(session: Session): void {
    if (cache.delete(session.sealed)) cachedBytes -= bytesOf(session);
  }

  return {
    seal(fields) {
      const initializeParams =
        (fields.initializeParams?.length ?? 0) > MAX_INITIALIZE_CHARS ? null : fields.initializeParams;
      const content = [
        FORMAT,
        pod.uid,
        pod.address,
        fields.upstreamId,
        fields.principal,
        fields.version,
        initializeParams,
      ];
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([
        nonce,
        cipher.update(JSON.stringify(content), 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ]).toString('base64url');
      return remember({ ...fields, initializeParams, podUid: pod.uid, address: pod.address, sealed });
    },
    open(sealed, principal) {
      const session = cache.get(sealed) ?? unseal(sealed, key);
      if (!session || session.principal !== principal || session.podUid !== pod.uid) return undefined;
      // The servers of one pod share the key, and not their sessions.
      if (session.address !== pod.address) return undefined;
      return cache.has(sealed) ? session : remember(session);
    },
    forget,
  };
}

const bytesOf = ({ sealed, upstreamId, initializeParams }: Session): number =>
  sealed.length + upstreamId.length + (initializeParams?.length ?? 0) + ENTRY_BYTES;

function unseal(sealed: string, key: Buffer): Session | undefined {
  if (sealed.length > MAX_SEALED_CHARS) return undefined;
  const bytes = Buffer.from(sealed, 'base64url');
  // One id, one spelling: base64url leaves spare bits that would otherwise make many.
  if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text =
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    const [format, podUid, address, upstreamId, principal, version, initializeParams] = JSON.parse(text);
    return format === FORMAT
      ? { sealed, podUid, address, upstreamId, principal, version, initializeParams }
      : undefined;
  } catch {
    return undefined;
  }
}
