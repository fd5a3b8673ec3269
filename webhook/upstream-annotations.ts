/** The annotations of how a server over HTTP is reached: rows of the table in annotations.ts. */
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { forwardHeaders, MAX_FORWARDED_NAMES } from '../sidecar/upstream/forwarded-names.ts';
import { isHost, parseProxy } from '../sidecar/upstream/upstream-proxy.ts';
import { dnsName, httpUrl, listOf, volumeDirectory } from './grammar.ts';
import type { Annotation } from './grammar.ts';

export const UPSTREAM_ANNOTATIONS = {
  upstream: {
    grammar: httpUrl
      .transform(placeOf)
      .refine(({ host, port }) => (host === undefined || isHost(host)) && port > 0),
    allowed: 'a URL, http://HOST[:PORT][/PATH] or https://…, without user, query and fragment',
    otherwise: 'plain HTTP at `port` and `path`',
    scope: 'server',
    doc: 'Where the server is that is not there: `https://localhost:8443/mcp` for one that has TLS in the pod, `https://tools.example.com/mcp` for one elsewhere. In place of `port` and `path`.',
  },
  'upstream-ca-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'those that everybody trusts',
    doc: 'The Secret whose `ca.crt` holds the authorities that the certificate of an https `upstream` must be of, in place of those that everybody trusts.',
  },
  'upstream-ca-configmap': {
    grammar: dnsName,
    allowed: "the name of a ConfigMap of the pod's namespace",
    otherwise: 'see `upstream-ca-secret`',
    insteadOf: 'upstream-ca-secret',
    doc: 'The ConfigMap whose `ca.crt` holds these authorities.',
  },
  'upstream-tls-server-name': {
    grammar: dnsName,
    allowed: 'a host name in lower case',
    otherwise: 'the host of `upstream`',
    doc: 'The name that an https `upstream` is asked for (SNI) and that its certificate must be for.',
  },
  'upstream-proxy': {
    grammar: z
      .string()
      .refine((text) => text === 'none' || (text.startsWith('http://') && parseProxy(text) !== undefined))
      .transform((text) => (text === 'none' ? ('none' as const) : parseProxy(text)!)),
    allowed: '"none" or http://HOST:PORT, without a user',
    otherwise: "`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the server's container",
    doc: 'The HTTP proxy through which an `upstream` elsewhere is reached; `none`: directly, whatever the variables say.',
  },
  'upstream-headers-secret': {
    grammar: dnsName,
    allowed: "the name of a Secret of the pod's namespace",
    otherwise: 'no header',
    doc: 'The Secret with headers that are added to each request to the server: each key is a header, its value the value.',
  },
  'upstream-headers-volume': {
    grammar: volumeDirectory,
    allowed: 'VOLUME or VOLUME/DIR, a volume of the pod and a directory in it',
    otherwise: 'no header',
    insteadOf: 'upstream-headers-secret',
    doc: 'A volume of the pod with these headers, a file per header, that another tool fills.',
  },
  'forward-headers': {
    grammar: listOf(z.string().toLowerCase()).pipe(forwardHeaders),
    allowed: `a comma list of up to ${MAX_FORWARDED_NAMES} different names of headers, none of credentials (authorization, cookie, … token …), of the connection (host, connection, content-…), of proxies (forwarded, x-forwarded-…) or of MCP (mcp-…)`,
    otherwise: 'no header',
    doc: "Headers of the caller's request that the server gets too, like `x-tenant, x-request-id`. They are the caller's own word.",
  },
} as const satisfies Record<string, Annotation>;

/** Without a host: in the pod. */
export interface UpstreamPlace {
  readonly host?: string;
  readonly port: number;
  /** Where the URL has one. */
  readonly path?: string;
  readonly isTls: boolean;
}

const OF_POD = ['localhost', '127.0.0.1', '::1'];

function placeOf(text: string): UpstreamPlace {
  const { protocol, hostname, port, pathname } = new URL(text);
  const isTls = protocol === 'https:';
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  const host = isIPv6(bare) ? bare : hostname;
  return {
    ...(OF_POD.includes(host) ? {} : { host }),
    port: Number(port || (isTls ? 443 : 80)),
    ...(/^https?:\/\/[^/]+$/.test(text) ? {} : { path: pathname }),
    isTls,
  };
}

/** They say where the server is as `upstream` does. */
export const NOT_WITH_UPSTREAM: readonly string[] = ['port', 'path'];
/** They say how an `upstream` of https is trusted. */
export const OF_TLS: readonly string[] = [
  'upstream-ca-secret',
  'upstream-ca-configmap',
  'upstream-tls-server-name',
];
/** A server elsewhere has no port of the pod that could be closed. */
export const OF_ELSEWHERE: readonly string[] = ['upstream-proxy'];
export const NOT_ELSEWHERE: readonly string[] = ['loopback-env', 'loopback-args'];
