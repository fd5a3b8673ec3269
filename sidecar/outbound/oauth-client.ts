/** The name and the secret of the sidecar at a provider, from a Secret that is followed. */
import type { Log } from '../log.ts';
import { firstFaults } from '../mounted/faults.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { sourceInWords } from '../mounts.ts';

export interface OauthClient {
  readonly id: string;
  readonly secret: string;
}

export interface FollowedClient {
  /** Undefined as long as there has been no good version. */
  current(): OauthClient | undefined;
  /** For the owner of the pod. */
  problem(): string | undefined;
  close(): void;
}

/**
 * Follows `client_id` and `client_secret`. A version with a fault changes nothing.
 * @param changed there is another one
 */
export async function followOauthClient(
  { source, directory }: { source: string; directory: string },
  log: Log,
  changed: () => void = () => undefined,
): Promise<FollowedClient> {
  let client: OauthClient | undefined;
  let problem: string | undefined;

  function take(reading: DirectoryReading): void {
    const read = 'problem' in reading ? { faults: [reading.problem] } : readClient(reading.files);
    if ('faults' in read) {
      problem = `${sourceInWords(source)}: ${read.faults.join('; ')}`;
      return log('oauth_client_refused', { source, faults: firstFaults(read.faults) });
    }
    problem = undefined;
    client = read;
    log('oauth_client_loaded', { source });
    changed();
  }

  const watched = await watchDirectory(directory, take);
  return { current: () => client, problem: () => problem, close: () => watched.close() };
}

/** client_secret_basic: each part is a form's value before they are joined (RFC 6749 section 2.3.1). */
export function basicAuthorization({ id, secret }: OauthClient): string {
  const [name, password] = [id, secret].map((part) => new URLSearchParams({ '': part }).toString().slice(1));
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

/** Of the values nothing is said. Pure. */
export function readClient(files: ReadonlyMap<string, Buffer>): OauthClient | { faults: string[] } {
  const faults: string[] = [];
  const [id = '', secret = ''] = ['client_id', 'client_secret'].map((name) => {
    const value = files
      .get(name)
      ?.toString('utf8')
      .replace(/\r?\n$/, '');
    if (value === undefined) faults.push(`${name} is not there`);
    else if (!/^[ -~]+$/.test(value))
      faults.push(`${name} is empty, or holds characters that are not visible ASCII`);
    return value;
  });
  return faults.length > 0 ? { faults } : { id, secret };
}
