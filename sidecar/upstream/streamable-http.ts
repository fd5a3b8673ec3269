/** The upstream room for streamable HTTP: both eras are passed through, bytes as they are. */
import type { Exchange, Refusal, ReplyHead, Upstream } from '../exchange.ts';
import { text } from '../client-message.ts';
import { refuse } from '../reasons.ts';
import type { Sessions } from '../sessions.ts';
import type { ResponseHead } from './http-response.ts';
import type { HttpPool, UpstreamError, UpstreamEvents, UpstreamRequest } from './http-pool.ts';

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

export function createStreamableHttp(pool: HttpPool, sessions: Sessions, server: ServerPresence): Upstream {
  return {
    send(exchange, reply) {
      const { head, message } = exchange;
      const request: UpstreamRequest = {
        method: head.method,
        headerLines: requestHeaderLines(exchange),
        ...(message ? { body: message.raw } : {}),
      };
      let answered = false;
      let timer: NodeJS.Timeout | undefined;
      const events: UpstreamEvents = {
        head: (response) => {
          answered = true;
          server.hint(true);
          reply.head(replyHead(exchange, response, sessions));
        },
        chunk: (bytes) => reply.chunk(bytes),
        end: () => reply.end(),
        fail: (error) => {
          if (error.refused && server.starting()) {
            timer = setTimeout(() => (call = pool.send(request, events)), REDIAL_MS);
            return;
          }
          if (!answered) server.hint(false);
          reply.fail(refusalOf(exchange, error));
        },
      };
      let call = pool.send(request, events);
      return {
        abort: () => {
          clearTimeout(timer);
          call.abort();
        },
        pause: () => call.pause(),
        resume: () => call.resume(),
      };
    },
  };
}

/** What real traffic tells the catalogue, and the catalogue it. */
export interface ServerPresence {
  hint(serverIsThere: boolean): void;
  /**
   * True while the server may still be starting: the pod is ready as soon as the sidecar is, so calls come before the
   * server listens. They wait; nothing has left, so nothing is sent twice.
   */
  starting(): boolean;
}

const REDIAL_MS = 50;

function refusalOf({ server }: Exchange, error: UpstreamError): Refusal {
  const detail = `server ${server.name}, port ${server.upstream.port}: ${error.message}`;
  return error.refused
    ? refuse('upstream-refused', detail, { 'retry-after': '2' })
    : refuse('upstream-broken', detail);
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
