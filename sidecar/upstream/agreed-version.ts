import type { Reply, ReplyHead } from '../exchange.ts';
import { SseSplitter } from '../sse.ts';
import { parseMessage } from './mcp-request.ts';

/** What is larger passes with the version that the client asked for. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * Holds the answer to `initialize` until it says which version the server has agreed to: the sealed id of the session
 * carries it, and goes out before.
 * @param head gives the client the head; called once
 */
export function untilAgreed(
  reply: Pick<Reply, 'chunk' | 'end'>,
  contentType: ReplyHead['contentType'],
  head: (agreed: string | undefined) => void,
): Pick<Reply, 'chunk' | 'end'> {
  const splitter = contentType === 'sse' ? new SseSplitter() : undefined;
  let held: Buffer[] | undefined = [];
  let bytes = 0;

  function release(agreed?: string): void {
    const chunks = held ?? [];
    held = undefined;
    head(agreed);
    for (const each of chunks) reply.chunk(each);
  }

  return {
    chunk(chunk) {
      if (!held) return reply.chunk(chunk);
      held.push(chunk);
      bytes += chunk.length;
      for (const frame of splitter?.push(chunk) ?? []) {
        const message = parseMessage(frame.data());
        if (message?.result ?? message?.error) return release(versionOf(message));
      }
      if (bytes > MAX_HELD_BYTES) release();
    },
    end() {
      if (held) release(splitter ? undefined : versionOf(parseMessage(Buffer.concat(held))));
      reply.end();
    },
  };
}

function versionOf(message: ReturnType<typeof parseMessage>): string | undefined {
  const version = message?.result?.['protocolVersion'];
  return typeof version === 'string' ? version : undefined;
}
