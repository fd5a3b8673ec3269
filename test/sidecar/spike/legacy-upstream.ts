/**
 * A throw-away upstream room that lets a modern client (2026-07-28) use a legacy server, elicitation included: it shows
 * that the exchange, the reply and the passes carry a translation between the eras. It holds one session, trusts its
 * caller, and knows the three methods that the proof needs.
 */
import { randomUUID } from 'node:crypto';
import type { Exchange, Reply, Upstream } from '../../../sidecar/exchange.ts';
import { SseSplitter } from '../../../sidecar/sse.ts';
import type { HttpPool } from '../../../sidecar/upstream/http-pool.ts';
import { headerLines, parseMessage, rpc, type Dialect } from '../../../sidecar/upstream/mcp-request.ts';
import type { UpstreamCall } from '../../../sidecar/upstream/upstream-call.ts';

/** A call of the server's that waits for its client's answer while no exchange is open. */
interface Parked {
  readonly call: UpstreamCall;
  readonly serverRequestId: unknown;
  /** The exchange that the rest of the call's answer goes to. */
  resume(exchange: Exchange, reply: Reply): void;
}

type Json = Record<string, unknown>;

const INPUT_KEY = 'elicitation';

export function createLegacyUpstream(pool: HttpPool, timeoutMs: number): Upstream {
  const parked = new Map<string, Parked>();
  let session: Promise<{ dialect: Dialect; result: Json }> | undefined;

  async function initialize(): Promise<{ dialect: Dialect; result: Json }> {
    const version = '2025-11-25';
    const params = {
      protocolVersion: version,
      capabilities: { elicitation: {} },
      clientInfo: { name: 'spike', version: '0' },
    };
    const opened = await rpc(pool, { era: 'legacy', version }, 'initialize', params, { timeoutMs });
    const dialect = {
      era: 'legacy',
      version,
      sessionId: opened.headers.get('mcp-session-id') ?? '',
    } as const;
    await rpc(pool, dialect, 'notifications/initialized', {}, { timeoutMs, notification: true });
    return { dialect, result: opened.result ?? {} };
  }

  async function handle(exchange: Exchange, reply: Reply): Promise<void> {
    const { dialect, result } = await (session ??= initialize());
    const { method, params } = JSON.parse(exchange.message!.raw.toString()) as {
      method: string;
      params: Json;
    };
    if (method === 'server/discover') {
      return answer(exchange, reply, {
        ...cache,
        supportedVersions: ['2026-07-28'],
        capabilities: result['capabilities'],
        instructions: result['instructions'],
      });
    }
    const { _meta, inputResponses, requestState, ...rest } = params;
    if (typeof requestState === 'string')
      return proceed(exchange, reply, dialect, requestState, inputResponses as Json);
    if (method === 'tools/call') return call(exchange, reply, dialect, rest);
    const legacy = await rpc(pool, dialect, method, rest, { timeoutMs });
    answer(exchange, reply, { ...cache, ...legacy.result });
  }

  /** Sends the call and reads its stream until the server answers, parking it whenever the server asks. */
  function call(first: Exchange, firstReply: Reply, dialect: Dialect, params: Json): void {
    let [exchange, reply] = [first, firstReply];
    const splitter = new SseSplitter();
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 'spike', method: 'tools/call', params }));
    const upstream = pool.send(
      { method: 'POST', headerLines: headerLines(dialect, 'tools/call'), body },
      {
        head: () => undefined,
        chunk: (bytes) => {
          for (const frame of splitter.push(bytes)) {
            const message = parseMessage(frame.data()) as (Json & { id?: unknown }) | undefined;
            if (message?.['method'] === 'elicitation/create') park(message);
            else if (message?.['result']) answer(exchange, reply, message['result'] as Json);
          }
        },
        end: () => undefined,
        fail: () => reply.fail({ reason: 'upstream-broken' }),
      },
    );

    function park(request: Json): void {
      const requestState = randomUUID();
      parked.set(requestState, {
        call: upstream,
        serverRequestId: request['id'],
        resume: (next, nextReply) => ([exchange, reply] = [next, nextReply]),
      });
      const inputRequests = { [INPUT_KEY]: { method: 'elicitation/create', params: request['params'] } };
      answer(exchange, reply, { resultType: 'input_required', inputRequests, requestState });
    }
  }

  /** The client's answer becomes the response that the server waits for; the call goes on in this exchange. */
  async function proceed(
    exchange: Exchange,
    reply: Reply,
    dialect: Dialect,
    state: string,
    responses: Json,
  ): Promise<void> {
    const waiting = parked.get(state);
    if (!waiting) return reply.fail({ reason: 'params-invalid', detail: 'unknown requestState' });
    parked.delete(state);
    waiting.resume(exchange, reply);
    const body = Buffer.from(
      JSON.stringify({ jsonrpc: '2.0', id: waiting.serverRequestId, result: responses[INPUT_KEY] }),
    );
    const ignore = {
      head: () => undefined,
      chunk: () => undefined,
      end: () => undefined,
      fail: () => reply.fail({ reason: 'upstream-broken' }),
    };
    pool.send({ method: 'POST', headerLines: headerLines(dialect, 'response'), body }, ignore);
  }

  return {
    send(exchange, reply) {
      handle(exchange, reply).catch((error: Error) =>
        reply.fail({ reason: 'upstream-broken', detail: error.message }),
      );
      // A parked call outlives the exchange that began it: nothing here is aborted with a client's connection.
      return { abort: () => undefined, pause: () => undefined, resume: () => undefined };
    },
  };
}

const cache = { ttlMs: 0, cacheScope: 'private' };

function answer(exchange: Exchange, reply: Reply, result: Json): void {
  const body = Buffer.from(
    `{"jsonrpc":"2.0","id":${exchange.message?.id},"result":${JSON.stringify({ resultType: 'complete', ...result })}}`,
  );
  reply.head({
    status: 200,
    contentType: 'json',
    headers: { 'content-type': 'application/json' },
    contentLength: body.length,
  });
  reply.chunk(body);
  reply.end();
}
