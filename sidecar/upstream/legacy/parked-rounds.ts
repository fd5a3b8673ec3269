import { randomBytes } from 'node:crypto';
import type { Refusal } from '../../exchange.ts';

/** What a round ended with: the server's response, a question of its, or that it failed. Written for whoever asks. */
export type Outcome = { readonly message: Buffer } | { readonly ask: Ask } | { readonly refusal: Refusal };

/** Questions of the server's to one call, by the key that the client answers them under. */
export interface Ask {
  readonly state: string;
  readonly questions: ReadonlyMap<string, Question>;
}

export interface Question {
  /** Raw JSON of the server's id. */
  readonly id: string;
  readonly method: string;
  /** Raw JSON. */
  readonly params: string;
}

/** What waits under a `requestState`: questions to a caller, and later what came of the answers. */
export interface Round<Call> {
  readonly call: Call;
  readonly owner: string;
  /** Of the request that the call began with. */
  readonly digest: string;
  readonly ask: Ask;
  /** Of the answers, once they are there: the same ones again mean the same call. */
  answers?: string;
  outcome?: Outcome;
}

export interface ParkedRounds<Call> {
  /** Undefined when as much is parked as may be. */
  park(round: Omit<Round<Call>, 'ask'>, questions: Ask['questions']): Round<Call> | undefined;
  find(state: string): Round<Call> | undefined;
  /** The answers are there: what comes of them is kept for those who ask again, for a while. */
  forgetLater(round: Round<Call>): void;
  forget(round: Round<Call>): void;
  size(): number;
  close(): void;
}

const MAX_ROUNDS = 256;
const MAX_ROUNDS_PER_OWNER = 32;
const PARKED_MS = 10 * 60_000;
/** Clients whose stream was cut send the same answers again. */
export const REPEATED_MS = 60_000;
const STATE_BYTES = 32;

/**
 * States are random and known to this process alone: nothing of the call is in them, and what they are bound to is
 * compared here.
 * @param expired nobody answered in time
 */
export function createParkedRounds<Call>(
  expired: (round: Round<Call>) => void,
  parkedMs: number = PARKED_MS,
): ParkedRounds<Call> {
  const rounds = new Map<string, { round: Round<Call>; timer: NodeJS.Timeout }>();

  function keep(round: Round<Call>, forMs: number, then: () => void): void {
    clearTimeout(rounds.get(round.ask.state)?.timer);
    rounds.set(round.ask.state, { round, timer: setTimeout(then, forMs).unref() });
  }

  function forget(round: Round<Call>): void {
    clearTimeout(rounds.get(round.ask.state)?.timer);
    rounds.delete(round.ask.state);
  }

  return {
    park(given, questions) {
      const mine = [...rounds.values()].filter(({ round }) => round.owner === given.owner).length;
      if (rounds.size >= MAX_ROUNDS || mine >= MAX_ROUNDS_PER_OWNER) return undefined;
      const state = randomBytes(STATE_BYTES).toString('base64url');
      const round: Round<Call> = { ...given, ask: { state, questions } };
      keep(round, parkedMs, () => {
        forget(round);
        expired(round);
      });
      return round;
    },
    find: (state) => rounds.get(state)?.round,
    forgetLater: (round) => keep(round, REPEATED_MS, () => forget(round)),
    forget,
    size: () => rounds.size,
    close() {
      for (const { timer } of rounds.values()) clearTimeout(timer);
      rounds.clear();
    },
  };
}
