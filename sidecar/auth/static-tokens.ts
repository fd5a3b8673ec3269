import { hash, timingSafeEqual } from 'node:crypto';
import { sourceInWords } from '../mounts.ts';
import type { Log } from '../log.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { principal, type Principal } from '../principal.ts';
import { refuse } from '../reasons.ts';
import { bearerToken, challenge, type KindAuthenticator } from './authenticator.ts';
import { createConnectionMemo } from './connection-memo.ts';
import { readTokens, type TokenEntry } from './read-tokens.ts';

interface Caller extends TokenEntry {
  readonly principal: Principal;
}

/**
 * `auth: token`: each file of the directory is a caller, its content the token. Taken from `Authorization: Bearer` or
 * `X-MCP-AUTH` (the header that mcp-server-kubernetes and its clients use). The files are followed; while one of them
 * is at fault, nobody is let in.
 * @param revoked some that were let in before are not any more
 */
export async function createStaticTokens(
  config: { source: string; directory: string },
  { log, revoked }: { log: Log; revoked: () => void },
): Promise<KindAuthenticator> {
  let callers: readonly Caller[] = [];
  let principals: ReadonlySet<Principal> = new Set();
  let problem: string | undefined;
  const memo = createConnectionMemo<Principal>();

  function take(reading: DirectoryReading): void {
    const read = 'problem' in reading ? { faults: [reading.problem] } : readTokens(reading.files);
    const before = callers;
    if ('faults' in read) {
      callers = [];
      problem = `${sourceInWords(config.source)}: ${read.faults.join('; ')}`;
      log('tokens_refused', { source: config.source, faults: read.faults });
    } else {
      callers = read.entries.map((entry) => before.find(sameAs(entry)) ?? toCaller(entry, config.source));
      problem = undefined;
      log('tokens_loaded', { source: config.source, callers: callers.length });
    }
    principals = new Set(callers.map((each) => each.principal));
    memo.clear();
    if (before.some((each) => !callers.includes(each))) revoked();
  }

  /** Digests are of one length, and all are compared, so that time tells neither length nor place. */
  function holderOf(credential: Buffer): Principal | undefined {
    const digest = hash('sha256', credential, 'buffer');
    let found: Principal | undefined;
    for (const caller of callers) if (timingSafeEqual(digest, caller.digest)) found = caller.principal;
    return found;
  }

  const watched = await watchDirectory(config.directory, take);
  return {
    kind: 'token',
    recognises(credential) {
      if (credential.form === 'certificate') return 'no';
      if (problem !== undefined) return 'not-yet';
      return credential.form === 'x-mcp-auth' || holderOf(Buffer.from(credential.token)) ? 'yes' : 'no';
    },
    authenticate(headers, connection) {
      // What is wrong names the Secret and its keys; that is for its owner, not for a caller whom nobody knows.
      if (problem !== undefined) return refuse('keys-unavailable', undefined, { 'retry-after': '5' });
      const given = bearerToken(headers) ?? headers['x-mcp-auth'];
      if (typeof given !== 'string' || given === '')
        return refuse('credentials-missing', undefined, challenge());
      const credential = Buffer.from(given);
      const known = memo.recall(connection, credential);
      if (known) return known;
      const found = holderOf(credential);
      if (found) memo.remember(connection, credential, found);
      return found ?? refuse('credentials-invalid', undefined, challenge('invalid_token'));
    },
    holds: (given) => principals.has(given),
    notReady: () => problem,
    close: () => watched.close(),
  };
}

/** The same object for the same token of the same caller: a principal stands for what it was proved with. */
const sameAs =
  (entry: TokenEntry) =>
  (caller: Caller): boolean =>
    caller.caller === entry.caller && caller.digest.equals(entry.digest);

const toCaller = (entry: TokenEntry, source: string): Caller => ({
  ...entry,
  principal: principal({
    kind: 'token',
    issuer: source,
    name: `token:${entry.caller}`,
    groups: [],
    actors: [],
  }),
});
