import { timingSafeEqual } from 'node:crypto';

/**
 * What each connection last proved, so that the next call on it costs a comparison and not a digest. The credential is
 * compared whole and in constant time: on a connection that a gateway shares among callers, none is taken for another.
 */
export interface ConnectionMemo<T> {
  recall(connection: object, credential: Buffer): T | undefined;
  remember(connection: object, credential: Buffer, proof: T): void;
  clear(): void;
}

export function createConnectionMemo<T>(): ConnectionMemo<T> {
  let proofs = new WeakMap<object, { credential: Buffer; proof: T }>();
  return {
    recall(connection, credential) {
      const last = proofs.get(connection);
      const same =
        last?.credential.length === credential.length && timingSafeEqual(last.credential, credential);
      return same ? last.proof : undefined;
    },
    remember(connection, credential, proof) {
      // Small buffers are slices of Node's pool: one that is kept keeps 64 KiB with it.
      const own = Buffer.allocUnsafeSlow(credential.length);
      credential.copy(own);
      proofs.set(connection, { credential: own, proof });
    },
    clear: () => (proofs = new WeakMap()),
  };
}
