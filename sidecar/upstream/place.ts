import { isIPv6 } from 'node:net';
import type { HttpUpstream } from '../config.ts';
import type { HttpPoolTarget } from './http-pool.ts';

/** Where the server is: on the pod's own loopback, or at the pod's address, unless the document names a host. */
export function placeOf(
  { host, port, tls }: Pick<HttpUpstream, 'host' | 'port' | 'tls'>,
  podIp: string,
): Pick<HttpPoolTarget, 'addresses' | 'authority'> {
  return host === undefined
    ? { addresses: ['127.0.0.1', '::1', ...(podIp ? [podIp] : [])] }
    : { addresses: [host], authority: authorityOf(isIPv6(host) ? `[${host}]` : host, port, tls) };
}

/** As clients write it: without the port that the scheme has anyway (RFC 9110 section 4.2). */
const authorityOf = (name: string, port: number, tls: object | undefined): string =>
  port === (tls ? 443 : 80) ? name : `${name}:${port}`;
