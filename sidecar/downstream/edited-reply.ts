import type { Reply, ReplyHead } from '../exchange.ts';
import { ResultRefusedError, type ResultEditor } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { SseSplitter, withData, type SseFrame } from '../sse.ts';

/** A message larger than this is not held to be edited; requests are no larger either. Nor is more behind one. */
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
  let asking = false;
  /** What came while an editor was asking, in order; before `next` it has gone on. */
  let behind: { readonly act: () => void; readonly bytes: number }[] = [];
  let next = 0;
  let behindBytes = 0;
  const isHeld = (): boolean => asking || next < behind.length;

  function stop(refusal: Refusal): void {
    failed = true;
    held = [];
    behind = [];
    next = 0;
    reply.fail(refusal);
  }

  const unreadable = (error: unknown): void =>
    stop(
      error instanceof ResultRefusedError
        ? error.refusal
        : refuse('upstream-result-unreadable', (error as Error).message),
    );

  function edit(message: Buffer, use: (edited: Buffer) => void): void {
    let edited: Buffer | Promise<Buffer>;
    try {
      edited = editor(message);
    } catch (error) {
      return unreadable(error);
    }
    if (!(edited instanceof Promise)) return use(edited);
    asking = true;
    edited
      .then((late) => {
        if (failed) return;
        asking = false;
        use(late);
        goOn();
      })
      .catch((error: unknown) => {
        if (!failed) unreadable(error);
      });
  }

  function hold(act: () => void, bytes = 0): void {
    behind.push({ act, bytes });
    behindBytes += bytes;
    if (behindBytes > MAX_MESSAGE_BYTES)
      stop(refuse('upstream-result-too-large', `over ${MAX_MESSAGE_BYTES} bytes are held`));
  }

  /** Until one of them asks again: the others stay behind it. */
  function goOn(): void {
    while (next < behind.length) {
      if (asking || failed) break;
      const { act, bytes } = behind[next++]!;
      behindBytes -= bytes;
      act();
    }
    behind = behind.slice(next);
    next = 0;
  }

  function frame(each: SseFrame): void {
    const data = each.data();
    // One without data is a place that its stream can be resumed from (2025-11-25).
    if (!data?.length) return reply.chunk(each.raw);
    edit(data, (edited) => {
      if (edited.length > 0) reply.chunk(edited === data ? each.raw : withData(each, edited));
    });
  }

  function tooLarge(): void {
    if (!editor.largePass)
      return stop(refuse('upstream-result-too-large', `over ${MAX_MESSAGE_BYTES} bytes`));
    passing = true;
    if (head?.contentType === 'sse') return onceThrough(splitter.pending);
    if (head) reply.head(head);
    for (const each of held) reply.chunk(each);
    held = [];
  }

  function onceThrough(bytes: Buffer): void {
    if (isHeld()) hold(() => reply.chunk(bytes), bytes.length);
    else reply.chunk(bytes);
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
      if (passing) return onceThrough(bytes);
      if (head?.contentType === 'sse') {
        for (const each of splitter.push(bytes)) {
          if (failed) return;
          if (isHeld()) hold(() => frame(each), each.raw.length);
          else frame(each);
        }
        if (!failed && splitter.pendingBytes > MAX_MESSAGE_BYTES) tooLarge();
        return;
      }
      heldBytes += bytes.length;
      held.push(bytes);
      if (heldBytes > MAX_MESSAGE_BYTES) tooLarge();
    },
    end() {
      if (failed) return;
      const whole = head;
      if (!whole || whole.contentType === 'sse' || passing)
        return isHeld() ? hold(() => reply.end()) : reply.end();
      edit(held.length === 1 && held[0] ? held[0] : Buffer.concat(held), (body) => {
        reply.head({ ...whole, contentLength: body.length });
        if (body.length > 0) reply.chunk(body);
        reply.end();
      });
    },
    fail(refusal) {
      if (failed) return;
      if (isHeld()) hold(() => reply.fail(refusal));
      else reply.fail(refusal);
    },
  };
}
