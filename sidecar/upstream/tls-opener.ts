/** Connections to a server over TLS. Loaded where one is configured: TLS is a good part of a pod's memory. */
import { isIP } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
} from 'node:tls';
import { sourceInWords, type HttpUpstream } from '../config.ts';
import { MIN_TLS_VERSION } from '../edge/tls.ts';
import type { Log } from '../log.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import type { OpenSocket } from './dial.ts';
import { readAuthorities } from './read-authorities.ts';

export interface TlsOpener {
  readonly open: OpenSocket;
  /** For the owner of the pod. */
  problem(): string | undefined;
  /** What is switched off. */
  readonly warnings: readonly string[];
  close(): void;
}

type Tls = NonNullable<HttpUpstream['tls']>;

/**
 * Follows the file of authorities; a version with a fault changes nothing. As long as there has been no good one, no
 * certificate is accepted.
 */
export async function createTlsOpener(
  { host = 'localhost', tls }: { host?: string | undefined; tls: Tls },
  log: Log,
): Promise<TlsOpener> {
  const { certificateAuthority: authority, insecureSkipVerify } = tls;
  let secureContext = contextOf(authority ? [] : everyonesAuthorities());
  let problem: string | undefined;

  function take(reading: DirectoryReading, source: string): void {
    const read = 'problem' in reading ? { faults: [reading.problem] } : readAuthorities(reading.files);
    if ('faults' in read) {
      problem = `${sourceInWords(source)}: ${read.faults.join('; ')}`;
      return log('upstream_authority_refused', { source, faults: read.faults });
    }
    problem = undefined;
    secureContext = contextOf(read.certificates);
    log('upstream_authority_loaded', { source, certificates: read.certificates.length });
  }

  const watched =
    authority && (await watchDirectory(authority.directory, (reading) => take(reading, authority.source)));
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return {
    open: (options) =>
      connect({
        ...options,
        // The name of an address on this machine is not the address.
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
        ...servername,
        secureContext,
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: !insecureSkipVerify,
      }),
    problem: () => problem,
    warnings: insecureSkipVerify
      ? [
          `the certificate of the server at ${host} is not verified: whoever is on the way can read and answer`,
        ]
      : [],
    close: () => watched?.close(),
  };
}

const contextOf = (ca: readonly string[]): SecureContext =>
  createSecureContext({ ca: [...ca], minVersion: MIN_TLS_VERSION });

/** Those that Node brings, NODE_EXTRA_CA_CERTS, and those of this machine. */
const everyonesAuthorities = (): string[] => [
  ...new Set([...getCACertificates('default'), ...getCACertificates('system')]),
];
