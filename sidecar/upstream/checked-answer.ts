import type { Refusal, Reply } from '../exchange.ts';
import { bodyProblem } from './answer-problem.ts';

/** Larger answers pass as they come: to hold them would cost more than a clear error is worth. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * Holds a JSON answer until it is whole, and judges it then. Nothing is lost by that, for nobody can read half of one,
 * and an answer that breaks off can still be told in words. One is made on every call.
 */
export class CheckedAnswer implements Pick<Reply, 'chunk' | 'end'> {
  readonly #reply: Pick<Reply, 'chunk' | 'end'>;
  readonly #id: string;
  readonly #contentLength: number | undefined;
  readonly #refused: (problem: Refusal) => void;
  #passing: boolean;
  #held: Buffer[] | undefined;
  #heldBytes = 0;

  constructor(
    reply: Pick<Reply, 'chunk' | 'end'>,
    id: string,
    contentLength: number | undefined,
    refused: (problem: Refusal) => void,
  ) {
    this.#reply = reply;
    this.#id = id;
    this.#contentLength = contentLength;
    this.#refused = refused;
    this.#passing = contentLength !== undefined && contentLength > MAX_HELD_BYTES;
  }

  chunk(bytes: Buffer): void {
    if (this.#passing) return this.#reply.chunk(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes === this.#contentLength)
      return void this.#judge(this.#held ? Buffer.concat([...this.#held, bytes]) : bytes);
    (this.#held ??= []).push(bytes);
    if (this.#heldBytes <= MAX_HELD_BYTES) return;
    this.#passing = true;
    for (const each of this.#held) this.#reply.chunk(each);
    this.#held = undefined;
  }

  end(): void {
    if (this.#passing || this.#judge(Buffer.concat(this.#held ?? []))) this.#reply.end();
  }

  #judge(body: Buffer): boolean {
    this.#passing = true;
    this.#held = undefined;
    const problem = bodyProblem(body, this.#id);
    if (problem) this.#refused(problem);
    else this.#reply.chunk(body);
    return !problem;
  }
}
