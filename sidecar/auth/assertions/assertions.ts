import { hash } from 'node:crypto';
import { sourceInWords } from '../../mounts.ts';
import type { Log } from '../../log.ts';
import type { DirectoryReading } from '../../mounted/read-directory.ts';
import { watchDirectory } from '../../mounted/watch-directory.ts';
import { principal, type Principal } from '../../principal.ts';
import { refuse, type Refusal } from '../../reasons.ts';
import { challenge } from '../authenticator.ts';
import { readActors, type ActorsRead, type TrustedActor } from './read-actors.ts';
import { createSeenOnce } from './seen-once.ts';
import { verifyAssertion, type Assertion } from './verify-assertion.ts';

/** A user, as an actor has said; for one request. */
export interface Asserted {
  readonly principal: Principal;
  /** To be asked once the body is there, and once alone: the assertion is used up by it. */
  judgeBody(body: Buffer): Refusal | undefined;
}

export interface Assertions {
  /** @param text of the header */
  open(text: string, actor: Principal, method: string): Promise<Asserted | Refusal>;
  /** Who has spoken for this user, while that one is trusted still. */
  actorOf(user: Principal): Principal | undefined;
  /** The actor has proved anew who it is. */
  renew(user: Principal, actor: Principal): void;
  problem(): string | undefined;
  close(): void;
}

export interface AssertionsDeps {
  readonly log: Log;
  /** Some who were trusted before are not any more. */
  readonly revoked: () => void;
  readonly now?: () => number;
}

/** Of one pod, each 100 bytes: a pod takes 300 requests a second of agents that speak for others. */
const MAX_REMEMBERED = 20_000;
/** Of one token; beyond it they are made anew. */
const MAX_USERS = 1_000;

/**
 * `trusted-actors`: service accounts that may say for whom they ask, in a JWT that they sign for each request. The
 * user has the actor's name in front of its own: what one actor says gives nobody the name of another's user.
 */
export async function createAssertions(
  config: { source: string; directory: string; audience: string },
  { log, revoked, now = Date.now }: AssertionsDeps,
): Promise<Assertions> {
  let current: ActorsRead = { actors: new Map(), faults: [] };
  const seen = createSeenOnce(MAX_REMEMBERED, now);
  const users = new WeakMap<Principal, { as: TrustedActor; byName: Map<string, Principal> }>();
  const spoken = new WeakMap<Principal, { actor: Principal; as: TrustedActor }>();

  function take(reading: DirectoryReading): void {
    const before = current;
    current =
      'problem' in reading
        ? { actors: new Map(), faults: [reading.problem] }
        : readActors(reading.files, before.actors);
    log(current.faults.length > 0 ? 'actors_refused' : 'actors_loaded', {
      source: config.source,
      actors: current.actors.size,
      ...(current.faults.length > 0 ? { faults: current.faults } : {}),
    });
    if (before.actors.size > 0) revoked();
  }

  const invalid = (words: string): Refusal => refuse('assertion-invalid', words, challenge('invalid_token'));

  function judge(actor: Principal, assertion: Assertion, body: Buffer): Refusal | undefined {
    if (hash('sha256', body, 'base64url') !== assertion.bodyHash)
      return invalid('its claim "bh" is not the SHA-256 of this body');
    if (now() >= assertion.endsAtMs) return invalid('it has expired');
    const use = seen.use(actor.name, assertion.id, assertion.endsAtMs);
    if (use === 'full') return refuse('assertions-full', undefined, { 'retry-after': '5' });
    return use === 'again' ? invalid('it has been used: each request needs one of its own') : undefined;
  }

  /** The same object for the same user of the same token: what was found out about it is known then. */
  function userOf({ user, groups }: Assertion, actor: Principal, trusted: TrustedActor): Principal {
    let known = users.get(actor);
    if (known?.as !== trusted || known.byName.size >= MAX_USERS) {
      known = { as: trusted, byName: new Map() };
      users.set(actor, known);
    }
    const key = JSON.stringify([user, groups]);
    let found = known.byName.get(key);
    if (!found) {
      found = principalOf({ user, groups }, actor, trusted);
      known.byName.set(key, found);
      spoken.set(found, { actor, as: trusted });
    }
    return found;
  }

  const watched = await watchDirectory(config.directory, take);
  return {
    async open(text, actor, method) {
      const trusted = actor.kind === 'kubernetes' ? current.actors.get(actor.name) : undefined;
      if (!trusted) return refuse('actor-untrusted');
      const expected = { actor: actor.name, audience: config.audience, method, nowMs: now() };
      const assertion = await verifyAssertion(text, trusted, expected);
      if (typeof assertion === 'string') return invalid(assertion);
      const user = userOf(assertion, actor, trusted);
      return { principal: user, judgeBody: (body) => judge(actor, assertion, body) };
    },
    actorOf(user) {
      const { actor, as } = spoken.get(user) ?? {};
      return actor && current.actors.get(actor.name) === as ? actor : undefined;
    },
    renew(user, actor) {
      const { as } = spoken.get(user) ?? {};
      if (as) spoken.set(user, { actor, as });
    },
    problem: () =>
      current.faults.length > 0 ? `${sourceInWords(config.source)}: ${current.faults.join('; ')}` : undefined,
    close: () => watched.close(),
  };
}

const principalOf = (
  { user, groups }: Pick<Assertion, 'user' | 'groups'>,
  { name }: Principal,
  { account }: TrustedActor,
): Principal =>
  principal({
    kind: 'kubernetes',
    issuer: name,
    name: `${account}:${user}`,
    groups: groups.map((each) => `${account}:${each}`),
    actors: [name],
  });
