/** The upstream room for streamable HTTP: both eras are passed through, bytes as they are. */
import type { Exchange, ReplyHead, Upstream } from '../exchange.ts';
import { text } from '../client-message.ts';
import { refuse } from '../reasons.ts';
import type { Sessions } from '../sessions.ts';
import type { ResponseHead } from './http-response.ts';
import type { HttpPool, UpstreamError } from './http-pool.ts';

/** Request headers that reach the server; everything else, credentials first of all, ends here. */
const FORWARDED_REQUEST_HEADERS = [
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
  'traceparent',
  'tracestate',
  'baggage',
];
/** Mirrored tool parameters of 2026-07-28 (`x-mcp-header`). */
const PARAM_HEADER_PREFIX = 'mcp-param-';
/** Response headers that reach the client. */
const FORWARDED_RESPONSE_HEADERS = [
  'content-type',
  'mcp-protocol-version',
  'cache-control',
  'x-accel-buffering',
  'retry-after',
  'allow',
];
const DEFAULT_ACCEPT = 'application/json, text/event-stream';

export function createStreamableHttp(
  pool: HttpPool,
  sessions: Sessions,
  observe: UpstreamObserver,
): Upstream {
  return {
    send(exchange, reply) {
      const { head, message } = exchange;
      let answered = false;
      return pool.send(
        {
          method: head.method,
          headerLines: requestHeaderLines(exchange),
          ...(message ? { body: message.raw } : {}),
        },
        {
          head: (response) => {
            answered = true;
            observe.answered();
            reply.head(replyHead(exchange, response, sessions));
          },
          chunk: (bytes) => reply.chunk(bytes),
          end: () => reply.end(),
          fail: (error) => {
            if (!answered) observe.failed(error);
            reply.fail(
              refuse(error.refused ? 'upstream-refused' : 'upstream-broken', describe(exchange, error)),
            );
          },
        },
      );
    },
  };
}

/** Learns from real traffic whether the server is there. */
export interface UpstreamObserver {
  answered(): void;
  failed(error: UpstreamError): void;
}

function describe({ server }: Exchange, error: UpstreamError): string {
  return `server ${server.name}, port ${server.upstream.port}: ${error.message}`;
}

function requestHeaderLines({ head, message, session }: Exchange): string {
  const { headers } = head;
  let lines = message ? 'Content-Type: application/json\r\n' : '';
  lines += `Accept: ${headers.accept ?? DEFAULT_ACCEPT}\r\n`;
  if (session) lines += `Mcp-Session-Id: ${session.upstreamId}\r\n`;
  for (const name of FORWARDED_REQUEST_HEADERS) {
    const value = headers[name];
    if (value !== undefined) lines += `${name}: ${value as string}\r\n`;
  }
  if (message?.era === 'modern') {
    for (const name in headers)
      if (name.startsWith(PARAM_HEADER_PREFIX)) lines += `${name}: ${headers[name] as string}\r\n`;
  }
  return lines;
}

function replyHead(exchange: Exchange, response: ResponseHead, sessions: Sessions): ReplyHead {
  const headers: Record<string, string> = {};
  for (const name of FORWARDED_RESPONSE_HEADERS) {
    const value = response.headers.get(name);
    if (value !== undefined) headers[name] = value;
  }
  const upstreamId = response.headers.get('mcp-session-id');
  if (upstreamId !== undefined) {
    if (exchange.session?.upstreamId !== upstreamId)
      exchange.session = sessions.seal(sessionFields(exchange, upstreamId));
    headers['mcp-session-id'] = exchange.session.sealed;
  }
  if (exchange.head.method === 'DELETE' && exchange.session && response.status < 300)
    sessions.forget(exchange.session);
  return {
    status: response.status,
    contentType: contentTypeOf(response),
    headers,
    ...(response.contentLength === undefined ? {} : { contentLength: response.contentLength }),
  };
}

function sessionFields(exchange: Exchange, upstreamId: string) {
  const { message, principal, head } = exchange;
  const params = message?.method === 'initialize' ? message.document.top.get('params') : undefined;
  return {
    upstreamId,
    principal: principal.digest,
    version:
      text(message?.raw ?? Buffer.alloc(0), message?.document.params.get('protocolVersion')) ??
      String(head.headers['mcp-protocol-version'] ?? ''),
    initializeParams: params && message ? message.raw.toString('utf8', params.start, params.end) : null,
  };
}

function contentTypeOf({ headers, contentLength, status }: ResponseHead): ReplyHead['contentType'] {
  if (status === 202 || status === 204 || contentLength === 0) return 'none';
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  return type === 'text/event-stream' ? 'sse' : type === 'application/json' ? 'json' : 'other';
}
