/** Connections to a server over TLS. Loaded where one is configured: TLS is a good part of a pod's memory. */
import { isIP, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { type HttpUpstream } from '../config.ts';
import { sourceInWords } from '../mounts.ts';
import { MIN_TLS_VERSION } from '../edge/tls.ts';
import type { Log } from '../log.ts';
import type { DirectoryReading } from '../mounted/read-directory.ts';
import { watchDirectory } from '../mounted/watch-directory.ts';
import type { OpenSocket } from './dial.ts';
import { everyonesAuthorities } from './everyones-authorities.ts';
import { readAuthorities } from './read-authorities.ts';

export interface TlsOpener {
  readonly open: OpenSocket;
  /** For the owner of the pod. */
  problem(): string | undefined;
  /** What is switched off. */
  readonly warnings: readonly string[];
  close(): void;
}

type Target = Pick<HttpUpstream, 'host' | 'port' | 'proxy'> & Required<Pick<HttpUpstream, 'tls'>>;

/**
 * Follows the file of authorities; a version with a fault changes nothing. As long as there has been no good one, no
 * certificate is accepted.
 */
export async function createTlsOpener(
  { host: given = 'localhost', port, tls, proxy }: Target,
  log: Log,
): Promise<TlsOpener> {
  const host = tls.serverName ?? given;
  const { Tunnel } = proxy ? await import('./tunnel.ts') : {};
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
    open(options) {
      const tunnel =
        Tunnel && new Tunnel({ host: options.host ?? '', port: options.port }, { host: given, port });
      const socket = connect({
        ...options,
        ...(tunnel ? { socket: tunnel } : {}),
        // The name of an address on this machine is not the address.
        checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
        ...servername,
        secureContext,
        ALPNProtocols: ['http/1.1'],
        rejectUnauthorized: !insecureSkipVerify,
      });
      if (tunnel) carry(tunnel, socket, options);
      return socket;
    },
    problem: () => problem,
    warnings: insecureSkipVerify
      ? [
          `the certificate of the server at ${host} is not verified: whoever is on the way can read and answer`,
        ]
      : [],
    close: () => watched?.close(),
  };
}

/** A socket on top of a stream leaves `onread` alone (Node, tls.connect). */
function carry(tunnel: Duplex, socket: TLSSocket, { onread }: TcpNetConnectOpts): void {
  tunnel.on('error', (error) => socket.destroy(error));
  const buffer = onread?.buffer as Buffer;
  socket.on('data', (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += buffer.length) {
      const length = bytes.copy(buffer, 0, at, at + buffer.length);
      onread?.callback(length, buffer);
    }
  });
}

const contextOf = (ca: readonly string[]): SecureContext =>
  createSecureContext({ ca: [...ca], minVersion: MIN_TLS_VERSION });
