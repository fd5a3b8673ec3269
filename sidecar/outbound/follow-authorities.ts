import { createSecureContext, type SecureContext } from 'node:tls';
import { sourceInWords } from '../mounts.ts';
import { MIN_TLS_VERSION } from '../edge/tls.ts';
import type { Log } from '../log.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import { everyonesAuthorities } from '../upstream/everyones-authorities.ts';
import { readAuthorities } from '../upstream/read-authorities.ts';
import type { OutboundConfig } from './outbound-config.ts';

export interface FollowedAuthorities {
  /** For the owner of the pod. */
  readonly problem: () => string | undefined;
  close(): void;
}

/** Those of this machine, and those of the directory as they are now; a version with a fault changes nothing. */
export async function followAuthorities(
  authorities: OutboundConfig['authorities'],
  log: Log,
  trust: (context: SecureContext) => void,
): Promise<FollowedAuthorities> {
  let problem: string | undefined;
  const use = (further: readonly string[]): void =>
    trust(createSecureContext({ ca: [...everyonesAuthorities(), ...further], minVersion: MIN_TLS_VERSION }));
  use([]);
  if (!authorities) return { problem: () => undefined, close: () => undefined };
  const { source, directory } = authorities;

  function take(reading: DirectoryReading): void {
    const read = 'problem' in reading ? { faults: [reading.problem] } : readAuthorities(reading.files);
    if ('faults' in read) {
      problem = `${sourceInWords(source)}: ${read.faults.join('; ')}`;
      return log('outbound_authority_refused', { source, faults: read.faults });
    }
    problem = undefined;
    use(read.certificates);
    log('outbound_authority_loaded', { source, certificates: read.certificates.length });
  }

  const watched = await watchDirectory(directory, take);
  return { problem: () => problem, close: () => watched.close() };
}
