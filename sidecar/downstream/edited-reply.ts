import type { Reply, ReplyHead } from '../exchange.ts';
import type { ResultEditor } from '../passes.ts';
import { refuse } from '../reasons.ts';
import { SseSplitter, withData } from '../sse.ts';

/** A message larger than this cannot be held to be edited. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Hands each whole message to the editor: a JSON body is held until it is whole, an event stream only until the event is. */
export function editedReply(reply: Reply, editor: ResultEditor): Reply {
  let head: ReplyHead | undefined;
  let failed = false;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const splitter = new SseSplitter();

  function tooLarge(): void {
    failed = true;
    held = [];
    reply.fail(refuse('upstream-result-too-large', `over ${MAX_MESSAGE_BYTES} bytes`));
  }

  return {
    head(given) {
      head = given;
      if (given.contentType === 'json') return;
      reply.head(given);
    },
    chunk(bytes) {
      if (failed) return;
      if (head?.contentType === 'json') {
        heldBytes += bytes.length;
        held.push(bytes);
        if (heldBytes > MAX_MESSAGE_BYTES) tooLarge();
        return;
      }
      if (head?.contentType !== 'sse') return reply.chunk(bytes);
      for (const frame of splitter.push(bytes)) {
        const data = frame.data();
        const edited = data && editor(data);
        reply.chunk(edited === undefined || edited === data ? frame.raw : withData(frame, edited));
      }
      if (splitter.pendingBytes > MAX_MESSAGE_BYTES) tooLarge();
    },
    end() {
      if (failed) return;
      if (head?.contentType === 'json') {
        const body = editor(held.length === 1 && held[0] ? held[0] : Buffer.concat(held));
        reply.head({ ...head, contentLength: body.length });
        reply.chunk(body);
      }
      reply.end();
    },
    fail(refusal) {
      if (!failed) reply.fail(refusal);
    },
  };
}
