import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { PARAM_HEADER_PREFIX } from '../client-message.ts';
import type { ServerConfig } from '../config.ts';
import type { Pass } from '../passes.ts';
import { refuse, type Refusal } from '../reasons.ts';
import { compileHosts, hostName, isLoopbackHost, type HostFacts } from './host.ts';
import { compileOrigins } from './origin.ts';

const METHODS = 'POST, GET, DELETE';
/** Headers of requests that MCP defines, and those that carry credentials. */
const REQUEST_HEADERS =
  'content-type, accept, authorization, x-mcp-auth, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, traceparent, tracestate, baggage';
/** Mirrored tool parameters of 2026-07-28: their names are the server's, so that they are told as they are asked for. */
const PARAM_HEADER = new RegExp(`^${PARAM_HEADER_PREFIX}[a-z0-9-]{1,64}$`);
const MAX_PARAM_HEADERS = 32;
const RESPONSE_HEADERS = 'mcp-session-id, mcp-protocol-version, www-authenticate, retry-after';
const PREFLIGHT_MAX_AGE_S = '600';
const MAX_SHOWN_CHARS = 100;

/** What a browser may do here: which names it may have found the pod by, which pages may call, what they may read. */
export interface CrossSite {
  readonly pass: Pass;
  /** Why a request must not name this host. */
  judgeHost(header: string | undefined): Refusal | undefined;
  /** Whether any host will do: then it does not say where this server is. */
  readonly anyHost: boolean;
  /** For a request with an `Origin`: says to the browser what it may do. True when that was all it asked. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** What is switched off, in words; and for the audit log, in names. */
  readonly warnings: readonly string[];
  readonly unchecked: string | undefined;
}

export function createCrossSite(server: ServerConfig, facts: HostFacts): CrossSite {
  const hostAllowed = compileHosts(server, facts);
  const origins = compileOrigins(server);
  /** Clients name the same host in every request: the last good one costs a comparison. */
  let lastHost: string | undefined;

  function judgeHost(header: string | undefined): Refusal | undefined {
    if (!hostAllowed || (header !== undefined && header === lastHost)) return undefined;
    const host = hostName(header);
    if (host === undefined || !hostAllowed(host)) return refuse('host-forbidden', namedHost(header));
    lastHost = header;
    return undefined;
  }

  function judgeOrigin(origin: string | undefined, host: string | undefined): Refusal | undefined {
    if (origin === undefined || origins.mayCall(origin, isLoopbackHost(hostName(host) ?? '')))
      return undefined;
    return refuse('origin-forbidden', namedOrigin(origin));
  }

  const { forwardHeaders = [] } = server.upstream;
  const anyOrigin = server.allowedOrigins.includes('*');
  return {
    pass: {
      name: 'cross-site',
      needs: ['head'],
      head(exchange) {
        const { method, headers } = exchange.head;
        const { host, origin } = headers;
        const wrongHost = judgeHost(host);
        const refusal =
          wrongHost ??
          // Those that may ask have been answered.
          (isPreflight(method, headers)
            ? refuse('origin-forbidden', namedOrigin(origin ?? ''))
            : judgeOrigin(origin, host));
        if (refusal) exchange.rule = wrongHost ? 'host' : 'origin';
        return refusal;
      },
    },
    judgeHost,
    anyHost: hostAllowed === undefined,
    answer({ method, headers }, response) {
      const { origin, host } = headers;
      if (origin === undefined || !origins.isListed(origin) || judgeHost(host)) return false;
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('vary', 'Origin');
      response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
      if (!isPreflight(method, headers)) return false;
      response.writeHead(204, {
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': allowedHeaders(
          headers['access-control-request-headers'],
          forwardHeaders,
        ),
        'access-control-max-age': PREFLIGHT_MAX_AGE_S,
      });
      response.end();
      return true;
    },
    warnings: [
      ...(hostAllowed ? [] : ['allowed-hosts is "*": Host is not checked']),
      ...(anyOrigin
        ? ['allowed-origins is "*": every web page may call from the browser of whoever reaches the server']
        : []),
    ],
    unchecked: [...(hostAllowed ? [] : ['host']), ...(anyOrigin ? ['origin'] : [])].join(',') || undefined,
  };
}

/** What a browser asks before a call of a page of another site (Fetch, CORS-preflight request). */
export const isPreflight = (method: string | undefined, headers: IncomingHttpHeaders): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined;

function allowedHeaders(requested: string | undefined, forwarded: readonly string[]): string {
  const names = (requested ?? '').toLowerCase().split(',', MAX_PARAM_HEADERS);
  return [
    REQUEST_HEADERS,
    ...forwarded,
    ...names.map((each) => each.trim()).filter((each) => PARAM_HEADER.test(each)),
  ].join(', ');
}

const shown = (text: string): string => JSON.stringify(text.slice(0, MAX_SHOWN_CHARS));
const namedHost = (header: string | undefined): string =>
  `${header ? shown(header) : '(none)'}; the annotation kubectl-mcp.dev/allowed-hosts adds names`;
const namedOrigin = (origin: string): string =>
  `${shown(origin)}; the annotation kubectl-mcp.dev/allowed-origins lists those that are`;
