import { isIPv6 } from 'node:net';
import type { ServerConfig } from '../config.ts';
import type { HttpPoolTarget } from './http-pool.ts';

/** Where the server is: on the pod's own loopback, or at the pod's address, unless the document names a host. */
export function placeOf(
  { host, port }: ServerConfig['upstream'],
  podIp: string,
): Pick<HttpPoolTarget, 'addresses' | 'authority'> {
  return host === undefined
    ? { addresses: ['127.0.0.1', '::1', ...(podIp ? [podIp] : [])] }
    : { addresses: [host], authority: `${isIPv6(host) ? `[${host}]` : host}:${port}` };
}
