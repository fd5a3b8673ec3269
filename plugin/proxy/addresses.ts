/** `--listen` and `--upstream`. Pure. */
import { isIPv6 } from 'node:net';
import { LISTEN_PATH } from '../../sidecar/config.ts';
import { isLoopbackHost } from '../../sidecar/edge/host.ts';
import { httpUrl } from '../../webhook/grammar.ts';
import { usageError } from '../errors.ts';

export interface Listen {
  /** Without the brackets of IPv6; empty: every address. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

export interface Upstream {
  /** Undefined: localhost. */
  readonly host?: string;
  readonly port: number;
  readonly path: string;
  /** With https. */
  readonly tls?: object;
  /** As it was given. */
  readonly url: string;
}

export const LOOPBACK = '127.0.0.1';
const ANY = ['', '0.0.0.0', '::', '*'];
const MAX_PORT = 65_535;

/** `ADDRESS:PORT`, `:PORT` (every address, as Go writes it) or `PORT` (of the loopback). */
export function parseListen(text: string): Listen {
  const [, , bracketed, plain, digits] =
    /^((?:\[([0-9A-Fa-f:.]+)\]|([\w.*-]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > MAX_PORT || (bracketed !== undefined && !isIPv6(bracketed)))
    throw usageError(
      `invalid argument "${text}" for "--listen" flag: expected ADDRESS:PORT, as 127.0.0.1:7410 or [::1]:0 (0: a free port)`,
    );
  const host = bracketed ?? plain ?? LOOPBACK;
  return { host: ANY.includes(host) && host !== '::' ? '0.0.0.0' : host, port };
}

/** @param text without a path, the server's own is `/mcp`. */
export function parseUpstream(text: string): Upstream {
  const wrong = (why: string): Error =>
    usageError(`invalid argument "${text}" for "--upstream" flag: ${why}`);
  if (!httpUrl.safeParse(text).success)
    throw wrong('expected http://HOST:PORT/PATH or https://…, without user, query and fragment');
  const { protocol, hostname, port, pathname } = new URL(text);
  const isTls = protocol === 'https:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    ...(host === 'localhost' ? {} : { host }),
    port: Number(port || (isTls ? 443 : 80)),
    path: /^https?:\/\/[^/]+$/.test(text) ? LISTEN_PATH : pathname,
    ...(isTls && { tls: {} }),
    url: text,
  };
}

export const isLoopback = ({ host }: { readonly host?: string }): boolean =>
  host === undefined || isLoopbackHost(isIPv6(host) ? `[${host}]` : host);

/** What a client on this machine reaches it at. */
export function urlOf({ host, port }: Listen, { tls = false, path = '' } = {}): string {
  const name = ANY.includes(host) ? 'localhost' : isIPv6(host) ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${name}:${port}${path}`;
}
