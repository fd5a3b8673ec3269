/**
 * Requests of the sidecar's own, to identity providers and token endpoints: few and small. Loaded where one is
 * configured.
 */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Log } from '../log.ts';
import { createAgents } from './agents.ts';
import { followAuthorities } from './follow-authorities.ts';
import { inWords } from './in-words.ts';
import type { OutboundConfig } from './outbound-config.ts';
import { OutboundError } from './outbound-error.ts';

export interface OutboundRequest {
  /** Of https or http, without user and password. */
  readonly url: string | URL;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** In all: the wait for a connection, the proxy's and the other end's time; 5 s unless given. */
  readonly timeoutMs?: number;
  /** Of the answer's body; 1 MiB unless given. */
  readonly maxBytes?: number;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Outbound {
  /**
   * Follows no redirect: a 3xx is an answer like others. What meets a connection that the other end is just closing is
   * sent a second time.
   * @throws {OutboundError} names the origin and the cause, never the path, the query, a header or a body
   */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** What is wrong with the authorities, for the owner of the pod. */
  problem(): string | undefined;
  close(): void;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;

/** Resolves when the authorities have been read. As long as they cannot be, those of this machine are trusted alone. */
export async function createOutbound(
  { authorities, proxy = {} }: OutboundConfig,
  log: Log,
): Promise<Outbound> {
  const agents = createAgents(proxy);
  const followed = await followAuthorities(authorities, log, (context) => agents.trust(context));

  async function request(given: OutboundRequest): Promise<OutboundResponse> {
    const untilMs = performance.now() + (given.timeoutMs ?? TIMEOUT_MS);
    try {
      return await attempt(given, untilMs);
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error;
      return attempt(given, untilMs);
    }
  }

  function attempt(given: OutboundRequest, untilMs: number): Promise<OutboundResponse> {
    const url = urlOf(given.url);
    const { method = 'GET', headers = {}, body, maxBytes = MAX_BYTES } = given;
    const { agent, proxy: through } = agents.for(url);
    const { promise, resolve, reject } = Promise.withResolvers<OutboundResponse>();
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const call = send(url, { method, agent, headers: { ...headers, ...lengthOf(body) } }, take);
    const fail = (words: string, cause?: Error): void => {
      reject(new OutboundError(url.origin, words, { cause }));
      call.destroy();
    };
    const limitMs = given.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(
      () => fail(`no answer within ${limitMs / 1000} s`),
      Math.max(0, untilMs - performance.now()),
    );

    function take(response: IncomingMessage): void {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) fail(`the answer is over ${maxBytes} bytes`);
        else parts.push(part);
      });
      response.on('error', (error) => fail(inWords(error, through), error));
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, body: Buffer.concat(parts) });
      });
    }

    call.on('error', (error: NodeJS.ErrnoException) => {
      if (call.reusedSocket && STALE.has(error.code ?? '')) reject(new StaleConnectionError());
      else fail(inWords(error, through), error);
    });
    call.end(body);
    return promise.finally(() => clearTimeout(timer));
  }

  return {
    request,
    problem: followed.problem,
    close() {
      followed.close();
      agents.close();
    },
  };
}

class StaleConnectionError extends Error {}
const STALE = new Set(['ECONNRESET', 'EPIPE']);

function urlOf(given: string | URL): URL {
  const url = typeof given === 'string' ? URL.parse(given) : given;
  if (!url || !/^https?:$/.test(url.protocol)) throw new OutboundError('a URL', 'is none of http or https');
  return url;
}

const lengthOf = (body: string | Buffer | undefined): Record<string, string> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
