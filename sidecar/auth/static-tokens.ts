import { hash, timingSafeEqual } from 'node:crypto';
import { sourceInWords } from '../mounts.ts';
import type { Log } from '../log.ts';
import { revisionOf, type DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { principal, type Principal } from '../principal.ts';
import { refuse } from '../reasons.ts';
import { bearerToken, challenge, type KindAuthenticator } from './authenticator.ts';
import { createConnectionMemo } from './connection-memo.ts';
import { madeHere } from './token-format.ts';
import { readTokens, type TokenEntry } from './read-tokens.ts';

interface Caller extends TokenEntry {
  readonly principal: Principal;
}

/**
 * `auth: token`: each file of the directory is a caller, its content the token. Taken from `Authorization: Bearer` or
 * `X-MCP-AUTH` (the header that mcp-server-kubernetes and its clients use). The files are followed; while one of them
 * is at fault, nobody is let in. A caller may have several tokens, each until its own end.
 * @param revoked some that were let in before are not any more
 */
export async function createStaticTokens(
  config: { source: string; directory: string },
  { log, revoked, now = Date.now }: { log: Log; revoked: () => void; now?: () => number },
): Promise<KindAuthenticator> {
  let callers: readonly Caller[] = [];
  let byPrincipal: ReadonlyMap<Principal, Caller> = new Map();
  let problem: string | undefined;
  let revision: string | undefined;
  const memo = createConnectionMemo<Caller>();
  const isGood = ({ expiresAtMs }: Caller): boolean => expiresAtMs === undefined || expiresAtMs > now();

  function take(reading: DirectoryReading): void {
    const read = 'problem' in reading ? { faults: [reading.problem] } : readTokens(reading.files);
    const before = callers;
    revision = 'problem' in reading ? undefined : revisionOf(reading.digest);
    if ('faults' in read) {
      callers = [];
      problem = `${sourceInWords(config.source)}: ${read.faults.join('; ')}`;
      log('tokens_refused', { source: config.source, faults: read.faults });
    } else {
      callers = read.entries.map((entry) => toCaller(entry, config.source, before.find(sameAs(entry))));
      problem = undefined;
      const count = new Set(callers.map(({ caller }) => caller)).size;
      log('tokens_loaded', { source: config.source, callers: count, revision });
    }
    byPrincipal = new Map(callers.map((each) => [each.principal, each]));
    memo.clear();
    if (before.some((each) => !byPrincipal.has(each.principal))) revoked();
  }

  /** Digests are of one length, and all are compared, so that time tells neither length nor place. */
  function holderOf(credential: Buffer): Caller | undefined {
    const digest = hash('sha256', credential, 'buffer');
    let found: Caller | undefined;
    for (const caller of callers) if (timingSafeEqual(digest, caller.digest)) found = caller;
    return found;
  }

  const watched = await watchDirectory(config.directory, take);
  return {
    kind: 'token',
    recognises(credential) {
      if (credential.form === 'certificate') return 'no';
      if (problem !== undefined) return 'not-yet';
      const { form, token } = credential;
      // One that is made here, and no caller's any more, is nothing for others to look at.
      return form === 'x-mcp-auth' || madeHere(token) || holderOf(Buffer.from(token)) ? 'yes' : 'no';
    },
    authenticate(headers, connection) {
      // What is wrong names the Secret and its keys; that is for its owner, not for a caller whom nobody knows.
      if (problem !== undefined) return refuse('keys-unavailable', undefined, { 'retry-after': '5' });
      const given = bearerToken(headers) ?? headers['x-mcp-auth'];
      if (typeof given !== 'string' || given === '')
        return refuse('credentials-missing', undefined, challenge());
      const credential = Buffer.from(given);
      const known = memo.recall(connection, credential);
      if (known && isGood(known)) return known.principal;
      const found = holderOf(credential);
      if (!found || !isGood(found))
        return refuse('credentials-invalid', whyNot(given, found), challenge('invalid_token'));
      memo.remember(connection, credential, found);
      return found.principal;
    },
    holds(given) {
      const caller = byPrincipal.get(given);
      return caller !== undefined && isGood(caller);
    },
    notReady: () => problem,
    tokensRevision: () => revision,
    close: () => watched.close(),
  };
}

/** The same object for the same token of the same caller: a principal stands for what it was proved with. */
const sameAs =
  (entry: TokenEntry) =>
  (caller: Caller): boolean =>
    caller.caller === entry.caller && caller.digest.equals(entry.digest);

/** To the holder alone: nobody else has an expired token, and one that is cut tells nothing of a good one. */
function whyNot(given: string, found: Caller | undefined): string | undefined {
  if (found) return `the token has expired (${new Date(found.expiresAtMs!).toISOString()})`;
  return madeHere(given)?.isWhole === false ? 'the token is cut, or mistyped' : undefined;
}

const toCaller = (entry: TokenEntry, source: string, before: Caller | undefined): Caller => ({
  ...entry,
  principal:
    before?.principal ??
    principal({
      kind: 'token',
      issuer: source,
      name: `token:${entry.caller}`,
      groups: [],
      actors: [],
    }),
});
