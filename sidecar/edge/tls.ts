import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { sourceInWords } from '../mounts.ts';
import type { Log } from '../log.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';

export const MIN_TLS_VERSION = 'TLSv1.2';

export interface FollowedPair {
  /** What is wrong with the files as they are now; the last good pair stays in use. */
  problem(): string | undefined;
  /** Undefined while there has been no good pair: then every handshake is refused. */
  notAfter(): Date | undefined;
  close(): void;
}

/**
 * Serves what `tls.crt` and `tls.key` of the directory hold, and follows them when they change. A pair is tried before
 * it is used. Without one the port is bound and no handshake succeeds: it never falls back to plain HTTP, and the pod
 * comes up, whose other ports and probes are not to blame.
 * @param use takes the pair for connections from now on
 */
export async function followTlsPair(
  { source, directory }: { source: string; directory: string },
  use: (pair: SecureContextOptions) => void,
  log: Log,
): Promise<FollowedPair> {
  let problem: string | undefined = 'has not been read yet';
  let notAfter: Date | undefined;

  function changed(reading: DirectoryReading): void {
    try {
      const pair = readPair(reading);
      use(pair.options);
      problem = undefined;
      notAfter = pair.notAfter;
      log('tls_loaded', { source, not_after: pair.notAfter.toISOString() });
    } catch (error) {
      problem = `${sourceInWords(source)}: ${(error as Error).message}`;
      log('tls_problem', { source, problem, in_use: notAfter ? 'the last good pair' : 'none' });
    }
  }

  const watched = await watchDirectory(directory, changed);
  return { problem: () => problem, notAfter: () => notAfter, close: () => watched.close() };
}

/** @throws with what is wrong, in words for the owner of the pod */
function readPair(reading: DirectoryReading): { options: SecureContextOptions; notAfter: Date } {
  if ('problem' in reading) throw new Error(reading.problem);
  const [cert, key] = ['tls.crt', 'tls.key'].map((name) => {
    const content = reading.files.get(name);
    if (!content?.length) throw new Error(`${name} is ${content ? 'empty' : 'not there'}`);
    return content;
  }) as [Buffer, Buffer];
  const certificate = tried('tls.crt is not a certificate in PEM', () => new X509Certificate(cert));
  const options = { cert, key, minVersion: MIN_TLS_VERSION } as const;
  // OpenSSL's own words may quote what it read; these do not.
  tried('tls.key is not the private key of tls.crt, in PEM', () => createSecureContext(options));
  return { options, notAfter: new Date(certificate.validTo) };
}

function tried<T>(words: string, attempt: () => T): T {
  try {
    return attempt();
  } catch {
    throw new Error(words);
  }
}
