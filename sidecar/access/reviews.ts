import { hash } from 'node:crypto';
import type { Log } from '../log.ts';
import type { Principal } from '../principal.ts';
import type { AccessConfig } from './access-config.ts';
import type { AskApiServer } from './ask-api-server.ts';
import { UnansweredError } from './ask-api-server.ts';
import { accessReview, subjectOf, type AccessVerb, type AskedAccess, type Subject } from './attributes.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { createTurns } from './turns.ts';

/** What callers may do, as the API server says. */
export interface Reviews {
  /** Rejects while the API server cannot be asked, and nothing is known from before. */
  ask(principal: Principal, verb: AccessVerb, name: string): boolean | Promise<boolean>;
  /** Whether it is known that each name is allowed. */
  allowsAll(principal: Principal, verb: AccessVerb): boolean;
  /** Whether something is known to be allowed to the caller at the moment. */
  knows(principal: Principal): boolean;
  /** Why nobody can be asked for. */
  problem(): string | undefined;
  /** Of its answers since the start. */
  counts(): Readonly<Record<Answer, number>>;
  /** Until it is known for the first time whether there is a problem. */
  starting(): Promise<void> | undefined;
  close(): void;
}

export type Answer = 'allowed' | 'denied' | 'unanswered';

export interface ReviewsDeps {
  readonly ask: AskApiServer;
  readonly of: Pick<AskedAccess, 'namespace' | 'server'>;
  readonly log: Log;
  readonly now?: () => number;
}

/** Of the sidecar's questions at a time; connections are as many. */
export const MAX_PARALLEL = 8;
/** Asked again while something is wrong; between two times it is taken to be as it was. */
const RETRY_MS = 2_000;
/** The API server's share for this service account is used up: no fault of the other callers. */
const TOO_MANY = 429;
const NOBODY: Subject = { user: 'system:anonymous', groups: ['system:unauthenticated'] };

export function createReviews(
  config: Pick<AccessConfig, 'cacheAllowedSeconds' | 'cacheDeniedSeconds'>,
  { ask: askApiServer, of, log, now = () => performance.now() }: ReviewsDeps,
): Reviews {
  const decisions = createDecisions(config, now);
  let problem: string | undefined;
  const turns = createTurns(MAX_PARALLEL);
  const counts: Record<Answer, number> = { allowed: 0, denied: 0, unanswered: 0 };
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  async function review(who: object, subject: Subject, { verb, name }: Question): Promise<boolean> {
    await turns.take(who);
    try {
      // While others were asked, something may have gone wrong.
      if (problem !== undefined) throw new UnansweredError(problem);
      return await send(subject, { verb, name });
    } finally {
      turns.release();
    }
  }

  async function send(subject: Subject, { verb, name }: Question): Promise<boolean> {
    try {
      const allowed = await askApiServer(accessReview(subject, { ...of, verb, name }));
      counts[allowed ? 'allowed' : 'denied']++;
      setProblem(undefined);
      return allowed;
    } catch (error) {
      counts.unanswered++;
      if (!(error instanceof UnansweredError && error.ofThis)) setProblem((error as Error).message);
      // One caller may ask for much: that is no reason to say much.
      else if (error.status !== TOO_MANY)
        log('access_review_refused', { server: of.server, verb, error: error.message });
      throw error;
    }
  }

  function setProblem(found: string | undefined): void {
    if (found !== problem && !closed)
      log(found === undefined ? 'access_reviews_answered' : 'access_reviews_unanswered', {
        server: of.server,
        ...(found === undefined ? {} : { error: found }),
      });
    problem = found;
    clearTimeout(retry);
    if (found !== undefined && !closed) retry = setTimeout(() => void probe(), RETRY_MS).unref();
  }

  /** Whether questions are answered, and may be asked at all: known before a caller comes. */
  const probe = (): Promise<void> =>
    send(NOBODY, { verb: 'call', name: undefined }).then(
      () => undefined,
      () => undefined,
    );

  /** @param name undefined: all of them */
  function decide(known: Decisions, subject: Subject, verb: AccessVerb, name: string | undefined) {
    const key = keyOf(verb, name);
    const found = known.get(key);
    if (found !== undefined) return found;
    let pending = known.pending.get(key);
    if (!pending) {
      const askedAtMs = now();
      pending = review(known, subject, { verb, name })
        .then((allowed) => {
          known.set(key, allowed, askedAtMs);
          return allowed;
        })
        .finally(() => known.pending.delete(key));
      known.pending.set(key, pending);
    }
    return pending;
  }

  let starting: Promise<void> | undefined = probe().then(() => void (starting = undefined));
  return {
    ask(principal, verb, name) {
      const known = decisions.of(principal);
      if (known.get(keyOf(verb, name)) === true) return true;
      const subject = subjectOf(principal);
      const all = decide(known, subject, verb, undefined);
      if (all instanceof Promise) return all.then((yes) => yes || decide(known, subject, verb, name));
      return all || decide(known, subject, verb, name);
    },
    allowsAll: (principal, verb) => decisions.of(principal).get(verb) === true,
    knows: (principal) => decisions.of(principal).allowsSomething(),
    problem: () => problem,
    counts: () => counts,
    starting: () => starting,
    close() {
      closed = true;
      clearTimeout(retry);
    },
  };
}

interface Question {
  readonly verb: AccessVerb;
  readonly name: string | undefined;
}

/** Callers choose URIs: what is kept of a long one is short. */
const MAX_KEPT_CHARS = 128;

function keyOf(verb: AccessVerb, name: string | undefined): string {
  if (name === undefined) return verb;
  return name.length > MAX_KEPT_CHARS ? `${verb}#${hash('sha256', name, 'base64url')}` : `${verb} ${name}`;
}
