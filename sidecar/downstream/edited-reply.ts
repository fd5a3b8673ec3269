import type { Reply, ReplyHead } from '../exchange.ts';
import { ResultRefusedError, type ResultEditor } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { SseSplitter, withData, type SseFrame } from '../sse.ts';

/** A message larger than this is not held to be edited; requests are no larger either. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Hands each whole message to the editor: an event stream is held only until the event is whole, any other body until
 * its end, whatever it calls itself. What the editor cannot read does not go out.
 */
export function editedReply(reply: Reply, editor: ResultEditor): Reply {
  let head: ReplyHead | undefined;
  let failed = false;
  let passing = false;
  let held: Buffer[] = [];
  let heldBytes = 0;
  const splitter = new SseSplitter();

  function stop(refusal: Refusal): void {
    failed = true;
    held = [];
    reply.fail(refusal);
  }

  function edit(message: Buffer): Buffer | undefined {
    try {
      return editor(message);
    } catch (error) {
      stop(
        error instanceof ResultRefusedError
          ? error.refusal
          : refuse('upstream-result-unreadable', (error as Error).message),
      );
      return undefined;
    }
  }

  function frame(each: SseFrame): void {
    const data = each.data();
    // One without data is a place that its stream can be resumed from (2025-11-25).
    if (!data?.length) return reply.chunk(each.raw);
    const edited = edit(data);
    if (edited?.length) reply.chunk(edited === data ? each.raw : withData(each, edited));
  }

  function tooLarge(): void {
    if (!editor.largePass)
      return stop(refuse('upstream-result-too-large', `over ${MAX_MESSAGE_BYTES} bytes`));
    passing = true;
    const whole = head?.contentType === 'sse' ? [splitter.pending] : held;
    if (head && head.contentType !== 'sse') reply.head(head);
    for (const each of whole) reply.chunk(each);
    held = [];
  }

  return {
    head(given) {
      head = given;
      if (given.contentType !== 'sse') return;
      // Servers that have the whole stream at once give its length, which an edit changes.
      const { contentLength: _, ...rest } = given;
      reply.head(rest);
    },
    chunk(bytes) {
      if (failed) return;
      if (passing) return reply.chunk(bytes);
      if (head?.contentType === 'sse') {
        for (const each of splitter.push(bytes)) if (!failed) frame(each);
        if (!failed && splitter.pendingBytes > MAX_MESSAGE_BYTES) tooLarge();
        return;
      }
      heldBytes += bytes.length;
      held.push(bytes);
      if (heldBytes > MAX_MESSAGE_BYTES) tooLarge();
    },
    end() {
      if (failed) return;
      if (head && head.contentType !== 'sse' && !passing) {
        const body = edit(held.length === 1 && held[0] ? held[0] : Buffer.concat(held));
        if (!body) return;
        reply.head({ ...head, contentLength: body.length });
        if (body.length > 0) reply.chunk(body);
      }
      reply.end();
    },
    fail(refusal) {
      if (!failed) reply.fail(refusal);
    },
  };
}
