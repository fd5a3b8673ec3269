import { randomBytes } from 'node:crypto';
import type { Refusal } from '../../exchange.ts';
import type { ProtocolError } from './modern-request.ts';

/** What a round ended with: the server's response, a question of its, or how it failed. Written for whoever asks. */
export type Outcome =
  | { readonly message: Buffer }
  | { readonly ask: Ask }
  | { readonly error: ProtocolError }
  | { readonly refusal: Refusal };

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
  answered(round: Round<Call>): void;
  settled(round: Round<Call>, outcome: Outcome): void;
  /** Those that nobody has answered. */
  parked(): number;
  close(): void;
}

/** Each holds a connection to the server. */
const MAX_PARKED = 256;
const MAX_PARKED_PER_OWNER = 64;
/** Those that have been answered; beyond it the oldest cannot be asked for again. */
const MAX_ANSWERED = 256;
/** What is larger than this is not kept for those who ask again. */
const MAX_KEPT_BYTES = 64 * 1024;
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
  const parked = (): Round<Call>[] =>
    [...rounds.values()].map(({ round }) => round).filter(({ answers }) => answers === undefined);

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
      const all = parked();
      const mine = all.filter(({ owner }) => owner === given.owner);
      if (all.length >= MAX_PARKED || mine.length >= MAX_PARKED_PER_OWNER) return undefined;
      const state = randomBytes(STATE_BYTES).toString('base64url');
      const round: Round<Call> = { ...given, ask: { state, questions } };
      keep(round, parkedMs, () => {
        forget(round);
        expired(round);
      });
      return round;
    },
    find: (state) => rounds.get(state)?.round,
    answered(round) {
      // The oldest come first: a map keeps the order in which its keys came.
      clearTimeout(rounds.get(round.ask.state)?.timer);
      rounds.delete(round.ask.state);
      keep(round, REPEATED_MS, () => forget(round));
      const answered = [...rounds.values()].filter((each) => each.round.answers !== undefined);
      const [oldest] = answered;
      if (oldest && answered.length > MAX_ANSWERED) forget(oldest.round);
    },
    settled(round, outcome) {
      if ('message' in outcome && outcome.message.length > MAX_KEPT_BYTES) return forget(round);
      round.outcome = outcome;
    },
    parked: () => parked().length,
    close() {
      for (const { timer } of rounds.values()) clearTimeout(timer);
      rounds.clear();
    },
  };
}
