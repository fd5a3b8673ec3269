/** The upstream room for streamable HTTP: both eras are passed through, bytes as they are. */
import type { Exchange, Refusal, Reply, ReplyHead, Upstream } from '../exchange.ts';
import { MODERN_VERSION, PARAM_HEADER_PREFIX, text } from '../client-message.ts';
import { refuse } from '../reasons.ts';
import type { Sessions } from '../sessions.ts';
import { untilAgreed } from './agreed-version.ts';
import { endsWithAnswer, headProblem } from './answer-problem.ts';
import { sendCancelled } from './cancelled.ts';
import { CheckedAnswer } from './checked-answer.ts';
import { forwardedLines, linesOf } from './forwarded-headers.ts';
import type { HttpPool } from './http-pool.ts';
import type { ResponseHead } from './http-response.ts';
import { callerOf } from './token/caller.ts';
import { isTokenFault, tokenRefusal } from './token/token-refusal.ts';
import type { UpstreamEvents, UpstreamRequest } from './upstream-call.ts';
import type { UpstreamError, UpstreamFault } from './upstream-error.ts';

/** Request headers that reach the server; everything else, credentials first of all, ends here. */
const FORWARDED_REQUEST_HEADERS = [
  'mcp-protocol-version',
  'last-event-id',
  'traceparent',
  'tracestate',
  'baggage',
];
/** Only where they were compared with the body: someone behind might decide by them. */
const COMPARED_REQUEST_HEADERS = ['mcp-method', 'mcp-name'];
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

/** What may be sent twice: what only reads. Of `tools/call` nobody can know, and hints of the server's are no promise. */
const REPEATABLE = new Set([
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
]);

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
/** Of a stream: enough for the end of an answer to be known by. */
const LAST_BYTES = 2_048;

export function createStreamableHttp(
  pool: HttpPool,
  { sessions, server }: { sessions: Sessions; server: ServerPresence },
): Upstream {
  return {
    send(exchange, reply) {
      const { head, message } = exchange;
      const request: UpstreamRequest = {
        method: head.method,
        headerLines: requestHeaderLines(exchange),
        forwarded: forwardedLines(exchange),
        owner: exchange.principal.digest,
        caller: callerOf(exchange),
        ...(message ? { body: message.raw, message } : {}),
        listens: head.method === 'GET' || message?.method === 'subscriptions/listen',
        repeatable: message ? REPEATABLE.has(message.method) : true,
      };
      let answered = false;
      let body: Pick<Reply, 'chunk' | 'end'> = reply;
      let streaming = false;
      let last: string | undefined;
      let timer: NodeJS.Timeout | undefined;
      const refused = (problem: Refusal): void => {
        call.abort();
        reply.fail(problem);
      };
      const events: UpstreamEvents = {
        head(response) {
          answered = true;
          server.hint(true);
          const contentType = contentTypeOf(response);
          const problem = headProblem(response, contentType, message, exchange.server.upstream);
          if (problem) return refused(problem);
          const { id, kind } = message ?? {};
          const opens = message?.method === 'initialize' && response.headers.has('mcp-session-id');
          if (opens) body = opening(exchange, reply, response, { contentType, sessions });
          if (contentType === 'json' && response.status === 200 && kind === 'request' && id !== undefined)
            body = new CheckedAnswer(body, id, response.contentLength, refused);
          streaming = contentType === 'sse';
          if (!opens) reply.head(replyHead(exchange, response, { contentType, sessions }));
        },
        chunk(bytes) {
          // Not the bytes: a small piece would keep the whole of what Node cuts buffers from.
          if (streaming && !request.listens)
            last = bytes.toString('utf8', Math.max(0, bytes.length - LAST_BYTES));
          body.chunk(bytes);
        },
        end: () => body.end(),
        fail(error) {
          if (error.fault === 'refused' && server.starting()) {
            timer = setTimeout(() => (call = pool.send(request, events)), REDIAL_MS);
            return;
          }
          // The stream outlived the answer that it was for.
          if (last && message?.id !== undefined && endsWithAnswer(last, message.id)) return reply.end();
          if (!answered && !OWN_FAULTS.has(error.fault) && !isTokenFault(error.fault)) server.hint(false);
          if (error.fault === 'timeout') sendCancelled(pool, exchange);
          reply.fail(refusalOf(exchange, error));
        },
      };
      let call = pool.send(request, events);
      return {
        abort() {
          clearTimeout(timer);
          call.abort();
        },
        pause: () => call.pause(),
        resume: () => call.resume(),
      };
    },
  };
}

/** They say nothing of the server. */
const OWN_FAULTS: ReadonlySet<UpstreamFault> = new Set(['unready', 'internal', 'crowded']);
const REASON_OF_FAULT = {
  refused: 'upstream-refused',
  timeout: 'upstream-timeout',
  stalled: 'client-stalled',
  broken: 'upstream-broken',
  exited: 'upstream-exited',
  crowded: 'upstream-crowded',
} as const;

const RETRY_AFTER: Partial<Record<UpstreamFault, string>> = { refused: '2', exited: '5', crowded: '5' };

/** What a client is told of it. */
export function refusalOf({ server }: Exchange, { fault, message }: UpstreamError): Refusal {
  if (fault === 'internal') return refuse('internal-error');
  // What is missing is for the owner of the pod, in /health.
  if (fault === 'unready') return refuse('upstream-headers-unavailable', undefined, { 'retry-after': '5' });
  if (isTokenFault(fault)) return tokenRefusal(server, fault);
  const { port } = server.upstream;
  const retryAfter = RETRY_AFTER[fault];
  return refuse(
    REASON_OF_FAULT[fault],
    `server ${server.name}${port === undefined ? '' : `, port ${port}`}: ${message}`,
    retryAfter === undefined ? undefined : { 'retry-after': retryAfter },
  );
}

function requestHeaderLines({ head, message, session }: Exchange): string {
  const { headers } = head;
  let lines = message ? 'Content-Type: application/json\r\n' : '';
  lines += `Accept: ${headers.accept ?? DEFAULT_ACCEPT}\r\n`;
  if (session) lines += `Mcp-Session-Id: ${session.upstreamId}\r\n`;
  lines += linesOf(FORWARDED_REQUEST_HEADERS, headers);
  if (message?.era === 'modern') {
    lines += linesOf(COMPARED_REQUEST_HEADERS, headers);
    for (const name in headers)
      if (name.startsWith(PARAM_HEADER_PREFIX)) lines += `${name}: ${headers[name] as string}\r\n`;
  } else if (message?.kind === 'notification' && headers['mcp-protocol-version'] === MODERN_VERSION)
    // It need not say its revision in the body, as the Go SDK's do not; the server wants the header all the same.
    lines += `Mcp-Method: ${message.method}\r\n`;
  return lines;
}

/** The head of an answer that opens a session goes out when the version is known that the session is of. */
function opening(
  exchange: Exchange,
  reply: Reply,
  response: ResponseHead,
  given: { contentType: ReplyHead['contentType']; sessions: Sessions },
): Pick<Reply, 'chunk' | 'end'> {
  return untilAgreed(reply, given.contentType, (agreed) =>
    reply.head(replyHead(exchange, response, given, agreed)),
  );
}

function replyHead(
  exchange: Exchange,
  response: ResponseHead,
  { contentType, sessions }: { contentType: ReplyHead['contentType']; sessions: Sessions },
  agreed?: string,
): ReplyHead {
  const headers: Record<string, string> = {};
  for (const name of FORWARDED_RESPONSE_HEADERS) {
    const value = response.headers.get(name);
    if (value !== undefined) headers[name] = value;
  }
  const upstreamId = response.headers.get('mcp-session-id');
  if (upstreamId !== undefined) {
    if (exchange.session?.upstreamId !== upstreamId)
      exchange.session = sessions.seal(sessionFields(exchange, upstreamId, agreed));
    headers['mcp-session-id'] = exchange.session.sealed;
  }
  if (exchange.head.method === 'DELETE' && exchange.session && response.status < 300)
    sessions.forget(exchange.session);
  return {
    status: response.status,
    contentType,
    headers,
    ...(response.contentLength === undefined ? {} : { contentLength: response.contentLength }),
  };
}

function sessionFields(exchange: Exchange, upstreamId: string, agreed: string | undefined) {
  const { message, principal, head } = exchange;
  const params = message?.method === 'initialize' ? message.document.top.get('params') : undefined;
  return {
    upstreamId,
    principal: principal.digest,
    version:
      agreed ??
      text(message?.raw ?? Buffer.alloc(0), message?.document.params.get('protocolVersion')) ??
      String(head.headers['mcp-protocol-version'] ?? ''),
    initializeParams: params && message ? message.raw.toString('utf8', params.start, params.end) : null,
  };
}

export function contentTypeOf({ headers, contentLength, status }: ResponseHead): ReplyHead['contentType'] {
  if (status === 202 || status === 204 || contentLength === 0) return 'none';
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  return type === 'text/event-stream' ? 'sse' : type === 'application/json' ? 'json' : 'other';
}
