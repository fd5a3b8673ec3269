import { isIPv6 } from 'node:net';
import type { HttpUpstream } from '../config.ts';
import type { OpenSocket } from './dial.ts';

export interface HttpPoolTarget {
  /** Tried in this order when connecting; the one that answered last is tried first. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly path: string;
  /** In front of each path: who takes the requests sends them on. */
  readonly origin?: string;
  /** The header `Host`; localhost, which any server takes, unless given. */
  readonly authority?: string;
  /** A server from which no byte comes for this long is given up, and so is a client that takes none. */
  readonly requestTimeoutMs?: number;
  /** Header lines for every request, each ended by CRLF; undefined: nothing may be sent. */
  readonly addedHeaders?: () => string | undefined;
  /** Plain TCP unless given. */
  readonly open?: OpenSocket;
  /** Told of what those have thrown who take the answers. */
  readonly faulted?: (error: unknown) => void;
}

/** Where the server is, the pod's own loopback or the pod's address unless the document names a host; or the proxy before it. */
export function placeOf(
  { host, port, path, tls, proxy }: Pick<HttpUpstream, 'host' | 'port' | 'path' | 'tls' | 'proxy'>,
  podIp: string,
): Pick<HttpPoolTarget, 'addresses' | 'port' | 'path' | 'authority' | 'origin'> {
  if (host === undefined) return { addresses: ['127.0.0.1', '::1', ...(podIp ? [podIp] : [])], port, path };
  const authority = authorityOf(isIPv6(host) ? `[${host}]` : host, port, tls);
  if (!proxy) return { addresses: [host], port, path, authority };
  const place = { addresses: [proxy.host], port: proxy.port, path, authority };
  // What is not encrypted the proxy sends on itself, and must be told where to (RFC 9112 section 3.2.2).
  return tls ? place : { ...place, origin: `http://${authority}` };
}

/** As clients write it: without the port that the scheme has anyway (RFC 9110 section 4.2). */
const authorityOf = (name: string, port: number, tls: object | undefined): string =>
  port === (tls ? 443 : 80) ? name : `${name}:${port}`;
