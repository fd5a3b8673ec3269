/** TLS towards the far end of a port-forward, for a near end that speaks plainly. */
import { isIP, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { checkServerIdentity, connect } from 'node:tls';

/** What the far end must show. */
export interface FarTls {
  /** PEM; undefined: the certificate authorities that Node knows. */
  readonly ca?: string;
  /** Any of these is enough; the first is asked for. */
  readonly names: readonly string[];
  /** Nothing. */
  readonly insecure?: boolean;
  /** PEM: what the near end shows when it is asked. */
  readonly cert?: string;
  readonly key?: string;
}

/**
 * The end of a pipe that carries the socket's bytes encrypted.
 * @param failed called before the socket is closed, with what is wrong with the far end.
 */
export function encrypted(
  socket: Socket,
  { ca, names, insecure, cert, key }: FarTls,
  failed: (error: Error) => void,
): Duplex {
  const [near, far] = duplexPair();
  const secure = connect({
    socket: near,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
    ...(names[0] !== undefined && isIP(names[0]) === 0 && { servername: names[0] }),
    // A Secret may hold the certificate without its CA: then the certificate itself is what is trusted.
    allowPartialTrustChain: true,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: insecure !== true,
    checkServerIdentity: (_host, certificate) =>
      names.some((each) => checkServerIdentity(each, certificate) === undefined)
        ? undefined
        : new Error(`it names ${certificate.subjectaltname ?? 'no host'}, not ${names.join(' or ')}`),
  });
  secure.on('error', (error: Error) => {
    failed(error);
    socket.destroy();
  });
  socket.on('close', () => {
    secure.destroy();
    far.destroy();
  });
  far.on('error', () => socket.destroy());
  socket.pipe(secure).pipe(socket);
  return far;
}
