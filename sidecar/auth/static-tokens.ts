import { hash, timingSafeEqual } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceInWords } from '../config.ts';
import { principal, type Principal } from '../principal.ts';
import { refuse } from '../reasons.ts';
import { createConnectionMemo } from './connection-memo.ts';
import { bearerToken, challenge, type Authenticator } from './authenticator.ts';

/** The kubelet swaps a Secret volume some seconds after the Secret changed; reading it this often adds little. */
const RELOAD_MS = 5_000;

/**
 * `auth: token`: each file of the directory is a caller, its content the token. Taken from `Authorization: Bearer` or
 * `X-MCP-AUTH` (the header that mcp-server-kubernetes and its clients use). Read again when the Secret changes.
 */
export function createStaticTokens(config: { source: string; directory: string }): Authenticator {
  let callers: { digest: Buffer; principal: Principal }[] = [];
  let problem: string | undefined;

  const memo = createConnectionMemo<Principal>();

  function load(): void {
    memo.clear();
    try {
      callers = readTokens(config);
      problem = callers.length > 0 ? undefined : `${sourceInWords(config.source)} holds no token`;
    } catch (error) {
      callers = [];
      problem = `${sourceInWords(config.source)}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`;
    }
  }

  load();
  const timer = setInterval(load, RELOAD_MS).unref();
  return {
    authenticate(headers, connection) {
      if (problem) return refuse('keys-unavailable', problem, { 'retry-after': '5' });
      const given = bearerToken(headers) ?? headers['x-mcp-auth'];
      if (typeof given !== 'string' || given === '')
        return refuse('credentials-missing', undefined, challenge());
      const credential = Buffer.from(given);
      const known = memo.recall(connection, credential);
      if (known) return known;
      // Digests are of one length, and all are compared, so that time tells neither length nor place.
      const digest = hash('sha256', credential, 'buffer');
      let found: Principal | undefined;
      for (const caller of callers) if (timingSafeEqual(digest, caller.digest)) found = caller.principal;
      if (found) memo.remember(connection, credential, found);
      return found ?? refuse('credentials-invalid', undefined, challenge('invalid_token'));
    },
    notReady: () => problem,
    close: () => clearInterval(timer),
  };
}

function readTokens({ source, directory }: { source: string; directory: string }) {
  // Secret volumes hold their bookkeeping under names that start with two dots.
  const keys = readdirSync(directory).filter((name) => !name.startsWith('..'));
  return keys.flatMap((key) => {
    const token = readToken(join(directory, key));
    if (token === '') return [];
    const fields = {
      kind: 'token',
      issuer: source,
      name: `token:${key}`,
      groups: [],
      actors: [],
    } as const;
    return [{ digest: hash('sha256', token, 'buffer'), principal: principal(fields) }];
  });
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    // The kubelet takes the links of keys that are gone away only after it has swapped the directory.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
