/**
 * Ids of tasks that clients of 2026-07-28 see are sealed by us (AES-256-GCM): what is needed to judge a request for a
 * task travels in its id, so that nothing is kept, and replicas that share the key know one another's tasks.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Whose task it is, is no part of it: the seal opens for its owner alone. */
export interface SealedTask {
  /** The server's own id. */
  readonly id: string;
  /** By a call of which it was made. */
  readonly tool: string;
}

export interface TaskSeal {
  /** @param owner digest of the principal */
  seal(task: SealedTask, owner: string): string;
  /** Undefined for what we did not seal, and for another caller's. */
  open(sealed: string, owner: string): SealedTask | undefined;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** As long as the headers that repeat it may be. */
const MAX_SEALED_CHARS = 8_192;

/**
 * @param key of the sessions, from which the one for tasks is derived; absent: of this process alone
 * @param server the servers of one pod share the key, and not their tasks
 */
export function createTaskSeal(server: string, key: Buffer = randomBytes(KEY_BYTES)): TaskSeal {
  const own = Buffer.from(hkdfSync('sha256', key, '', 'kubectl-mcp tasks', KEY_BYTES));
  const boundTo = (owner: string): Buffer => Buffer.from(JSON.stringify([server, owner]));

  return {
    seal({ id, tool }, owner) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, own, nonce).setAAD(boundTo(owner));
      const content = cipher.update(JSON.stringify([tool, id]), 'utf8');
      return Buffer.concat([nonce, content, cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    open(sealed, owner) {
      if (sealed.length > MAX_SEALED_CHARS) return undefined;
      const bytes = Buffer.from(sealed, 'base64url');
      // One id, one spelling: base64url leaves spare bits that would otherwise make many.
      if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined;
      const decipher = createDecipheriv(CIPHER, own, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(boundTo(owner)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const content = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8');
        const [tool, id] = JSON.parse(content + decipher.final('utf8')) as [string, string];
        return { id, tool };
      } catch {
        return undefined;
      }
    },
  };
}
