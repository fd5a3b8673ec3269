import type { Refusal, Reply } from '../exchange.ts';
import { bodyProblem } from './answer-problem.ts';

/** Larger answers pass as they come: to hold them would cost more than a clear error is worth. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * Holds a JSON answer until it is whole, and judges it then. Nothing is lost by that, for nobody can read half of one,
 * and an answer that breaks off can still be told in words.
 */
export function checkedAnswer(
  reply: Reply,
  { id, contentLength }: { id: string; contentLength: number | undefined },
  refused: (problem: Refusal) => void,
): Pick<Reply, 'chunk' | 'end'> {
  let passing = (contentLength ?? 0) > MAX_HELD_BYTES;
  let held: Buffer[] = [];
  let heldBytes = 0;

  function judged(body: Buffer): boolean {
    passing = true;
    held = [];
    const problem = bodyProblem(body, id);
    if (problem) refused(problem);
    else if (body.length > 0) reply.chunk(body);
    return !problem;
  }

  return {
    chunk(bytes) {
      if (passing) return reply.chunk(bytes);
      heldBytes += bytes.length;
      if (heldBytes === contentLength)
        return void judged(held.length === 0 ? bytes : Buffer.concat([...held, bytes]));
      held.push(bytes);
      if (heldBytes <= MAX_HELD_BYTES) return;
      passing = true;
      for (const each of held) reply.chunk(each);
      held = [];
    },
    end() {
      if (passing || judged(Buffer.concat(held))) reply.end();
    },
  };
}
