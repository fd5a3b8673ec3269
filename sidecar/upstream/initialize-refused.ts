import type { Reply, ReplyHead } from '../exchange.ts';
import { parseMessage } from './mcp-request.ts';

/** What servers say to `initialize` that have no sessions (2026-07-28, versioning): what they do not know, or want beside it. */
const CODES = new Set([-32022, -32020, -32601, -32602, -32600, -32000]);
const MAX_ERROR_BYTES = 64 * 1024;

/** Stands in front of the reply to `initialize`; where the server knows no such thing, nothing of its answer goes out. */
/** @param refused told of it; what it is given lets the server's own words out after all */
export function initializeRefused(reply: Reply, refused: (release: () => void) => void): Reply {
  let held: ReplyHead | undefined;
  let chunks: Buffer[] = [];
  let bytes = 0;

  function release(): void {
    if (held) reply.head(held);
    held = undefined;
    for (const each of chunks) reply.chunk(each);
    chunks = [];
  }

  function pass(): void {
    release();
    reply.end();
  }

  return {
    head(head) {
      if (head.contentType === 'json' && head.status >= 400 && head.status < 500) held = head;
      else reply.head(head);
    },
    chunk(chunk) {
      if (!held) return reply.chunk(chunk);
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ERROR_BYTES) release();
    },
    end() {
      if (held && CODES.has(parseMessage(Buffer.concat(chunks))?.error?.code ?? 0)) return refused(pass);
      pass();
    },
    fail: (refusal) => reply.fail(refusal),
  };
}
