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
  /** What came while an editor was asking, in order. */
  let behind: (() => void)[] | undefined;
  let behindBytes = 0;
  const isHeld = (): boolean => behind !== undefined;
  const hold = (act: () => void): void => void behind?.push(act);

  function stop(refusal: Refusal): void {
    failed = true;
    held = [];
    behind = undefined;
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
    behind = [];
    edited
      .then((late) => {
        if (failed) return;
        use(late);
        goOn();
      })
      .catch((error: unknown) => {
        if (!failed) unreadable(error);
      });
  }

  function goOn(): void {
    const acts = behind ?? [];
    behind = undefined;
    behindBytes = 0;
    for (const [index, act] of acts.entries()) {
      act();
      // One of them asks again: the others stay behind it.
      if (isHeld()) return acts.slice(index + 1).forEach(hold);
    }
  }

  function frame(each: SseFrame): void {
    if (behind) {
      behindBytes += each.raw.length;
      behind.push(() => frame(each));
      if (behindBytes > MAX_MESSAGE_BYTES)
        stop(refuse('upstream-result-too-large', `over ${MAX_MESSAGE_BYTES} bytes are held`));
      return;
    }
    if (failed) return;
    const data = each.data();
    // One without data is a place that its stream can be resumed from (2025-11-25).
    if (!data?.length) return reply.chunk(each.raw);
    edit(data, (edited) => {
      if (edited.length > 0) reply.chunk(edited === data ? each.raw : withData(each, edited));
    });
  }

  function end(): void {
    if (failed) return;
    if (behind) return void behind.push(end);
    reply.end();
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
    if (behind) behind.push(() => onceThrough(bytes));
    else if (!failed) reply.chunk(bytes);
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
      const whole = head;
      if (!whole || whole.contentType === 'sse' || passing) return end();
      edit(held.length === 1 && held[0] ? held[0] : Buffer.concat(held), (body) => {
        reply.head({ ...whole, contentLength: body.length });
        if (body.length > 0) reply.chunk(body);
        end();
      });
    },
    fail(refusal) {
      if (failed) return;
      if (behind) behind.push(() => reply.fail(refusal));
      else reply.fail(refusal);
    },
  };
}
