/** What was found out of tokens, by digest, so that no token is kept. */
import { hash } from 'node:crypto';
import type { Principal } from '../../principal.ts';
import type { Refusal } from '../../reasons.ts';
import { createConnectionMemo } from '../connection-memo.ts';
import type { Provider } from './provider-source.ts';

export interface Proof {
  readonly verdict: Principal | Refusal;
  /** After which the next call has it looked at again. */
  readonly goodUntilMs: number;
  /** After which a stream that it has opened does. */
  readonly endsMs: number;
  /** Who said so; another answer of the provider's makes it worth nothing. */
  readonly provider: Provider;
}

export interface Proofs {
  recall(token: Buffer, connection: object, isGood: (proof: Proof) => boolean): Proof | undefined;
  keep(token: Buffer, proof: Proof): void;
  /** Whether the last word on the token was that it is good, be it an old one. */
  wasAdmitted(digest: string): boolean;
  of(principal: Principal): Proof | undefined;
}

const MAX_KEPT = 2_000;
/** Apart, for anyone can bring them. */
const MAX_REFUSED = 500;

export function createProofs(): Proofs {
  const admitted = new Map<string, Proof>();
  const refused = new Map<string, Proof>();
  const byPrincipal = new WeakMap<Principal, Proof>();
  const memo = createConnectionMemo<Proof>();
  return {
    recall(token, connection, isGood) {
      const last = memo.recall(connection, token);
      if (last && isGood(last)) return last;
      const digest = digestOf(token);
      const known = admitted.get(digest) ?? refused.get(digest);
      if (!known || !isGood(known)) return undefined;
      memo.remember(connection, token, known);
      return known;
    },
    keep(token, proof) {
      const digest = digestOf(token);
      const isRefused = 'reason' in proof.verdict;
      const [kept, other, most] = isRefused
        ? ([refused, admitted, MAX_REFUSED] as const)
        : ([admitted, refused, MAX_KEPT] as const);
      other.delete(digest);
      kept.delete(digest);
      if (kept.size >= most) kept.delete(kept.keys().next().value ?? '');
      kept.set(digest, proof);
      if (!('reason' in proof.verdict)) byPrincipal.set(proof.verdict, proof);
    },
    wasAdmitted: (digest) => admitted.has(digest),
    of: (principal) => byPrincipal.get(principal),
  };
}

export const digestOf = (token: Buffer): string => hash('sha256', token, 'base64url');
