import { createHash } from 'node:crypto';

/** What a client says to what it was asked: raw JSON by the key of the question. */
export type Answers = ReadonlyMap<string, string>;

/** The order does not matter. */
export function digestOfAnswers(answers: Answers): string {
  const hash = createHash('sha256');
  for (const [key, value] of [...answers].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([key, value]));
  return hash.digest('base64url');
}
