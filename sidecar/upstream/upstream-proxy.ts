/** The proxy through which a server elsewhere is reached, and what the usual variables say of it. Pure. */
import { BlockList, isIP } from 'node:net';
import * as z from 'zod';

const HOST = /^[A-Za-z0-9_.:-]{1,253}$/;

/** As the sidecar's configuration takes it: a name or an address. */
export const isHost = (text: string): boolean => HOST.test(text);

/** It is spoken to in clear text; what goes to an https server is encrypted end to end. It is given no credentials. */
export const upstreamProxy = z.strictObject({
  host: z.string().regex(HOST, 'is a host name or an IP address'),
  port: z.int().min(1).max(65535),
});
export type UpstreamProxy = z.infer<typeof upstreamProxy>;

/** `http://HOST:PORT`, or `HOST:PORT` as some write it; undefined for what is no proxy that can be used. */
export function parseProxy(text: string): UpstreamProxy | undefined {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url?.protocol !== 'http:' || url.username !== '' || url.password !== '') return undefined;
  const host = bare(url.hostname);
  return isHost(host) && url.port !== '0' ? { host, port: Number(url.port || 80) } : undefined;
}

/**
 * What HTTPS_PROXY, HTTP_PROXY and NO_PROXY say for a server, in either case, as curl and Go read them.
 * @returns what the variable holds; undefined where the server is reached directly
 */
export function proxyVariable(
  { host = 'localhost', port, tls }: { host?: string | undefined; port: number; tls?: unknown },
  variable: (name: string) => string | undefined,
): { name: string; value: string } | undefined {
  const read = (name: string) => variable(name) || variable(name.toLowerCase()) || undefined;
  const name = tls ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = read(name);
  return value === undefined || isExcepted(host, port, read('NO_PROXY') ?? '') ? undefined : { name, value };
}

/** @param list as in NO_PROXY: names, suffixes, addresses and networks, each with or without a port */
export function isExcepted(host: string, port: number, list: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.startsWith('127.') || name === '::1') return true;
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => covers(entry.toLowerCase(), name, port));
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const [, network, bits] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (network !== undefined) return isIn(host, network, Number(bits));
  const [, name = entry, ofPort] =
    /^(.*[^:]|\[.*\]):(\d{1,5})$/.exec(isIP(entry) ? `[${entry}]` : entry) ?? [];
  if (ofPort !== undefined && Number(ofPort) !== port) return false;
  const suffix = bare(name).replace(/^\*/, '');
  return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
}

function isIn(host: string, network: string, bits: number): boolean {
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits, kind);
  return list.check(host, kind);
}

const bare = (name: string): string => name.replace(/^\[(.*)\]$/, '$1');
