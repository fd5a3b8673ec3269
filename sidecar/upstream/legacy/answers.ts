import { createHash } from 'node:crypto';
import { members } from '../../json/members.ts';

/** What a client says to what it was asked: raw JSON by the key of the question. */
export type Answers = ReadonlyMap<string, string>;

/** @param at where the object of answers starts */
export const readAnswers = (raw: Buffer, at: number): Answers =>
  new Map([...members(raw, at)].map(([key, { start, end }]) => [key, raw.toString('utf8', start, end)]));

/** The order does not matter. */
export function digestOfAnswers(answers: Answers): string {
  const hash = createHash('sha256');
  for (const [key, value] of [...answers].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([key, value]));
  return hash.digest('base64url');
}
