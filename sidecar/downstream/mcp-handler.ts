import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { readClientMessage } from '../client-message.ts';
import type { ServerConfig } from '../config.ts';
import type { Exchange, Refusal, Transit, Upstream } from '../exchange.ts';
import type { Log } from '../log.ts';
import type { Policy } from '../passes.ts';
import { ANONYMOUS } from '../principal.ts';
import { refuse } from '../reasons.ts';
import type { InFlight } from './in-flight.ts';
import { answerRefusal, createClientReply } from './client-reply.ts';
import { contentTypeProblem } from './media-type.ts';
import { mirroredHeadersProblem } from './mirrored-headers.ts';

export interface McpHandlerDeps {
  readonly policy: Policy;
  readonly upstream: Upstream;
  readonly inFlight: InFlight;
  readonly log: Log;
  /** How bodies are read; strictly, unless a test shows what strict reading is for. */
  readonly readMessage?: typeof readClientMessage;
}

/** The largest message that is read; the TypeScript SDK's servers take as much. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** Carries one HTTP request through policy to the server, and the answer back. */
export function createMcpHandler(
  server: ServerConfig,
  { policy, upstream, inFlight, log, readMessage = readClientMessage }: McpHandlerDeps,
) {
  return (request: IncomingMessage, response: ServerResponse, path: string): void => {
    const exchange: Exchange = {
      id: randomUUID(),
      server,
      head: {
        method: request.method as 'POST' | 'GET' | 'DELETE',
        path,
        headers: request.headers,
        remoteAddress: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
        connection: request.socket,
      },
      startedAtMs: performance.now(),
      principal: ANONYMOUS,
      rule: 'default',
      status: 0,
      outcome: 'success',
    };
    let transit: Transit | undefined;
    let gone = false;
    const entry = inFlight.enter(exchange, response);
    response.on('close', () => {
      gone = true;
      inFlight.leave(entry);
      // The server must see that nobody waits any more, as it would without us (2026-07-28: this is how calls are cancelled);
      // also where the answer was ended here before the server's was over.
      transit?.abort();
      if (!response.writableFinished) {
        if (exchange.status === 0) exchange.status = 499;
        // A stream has no other end than its client's leaving; a call without its answer has failed.
        if (entry.kind === 'call' && exchange.outcome === 'success') exchange.outcome = 'failure';
      }
      policy.ended(exchange);
    });

    const answer = (refusal: Refusal): void => {
      if (gone || response.headersSent) return;
      // What is left of the body is not read: the connection cannot be used again.
      answerRefusal(exchange, response, refusal, !request.complete || inFlight.draining);
    };
    const failed = (error: unknown): void => {
      log('internal_error', { audit_id: exchange.id, error: (error as Error).stack });
      answer(refuse('internal-error'));
    };
    /** Goes on when the verdict is in; at once when it is not a promise. */
    const after = (verdict: Refusal | undefined | Promise<Refusal | undefined>, next: () => void): void => {
      const decide = (refusal: Refusal | undefined): void => {
        if (gone) return;
        if (refusal) answer(refusal);
        else next();
      };
      if (verdict instanceof Promise) verdict.then(decide).catch(failed);
      else decide(verdict);
    };
    const forward = (): void => {
      const reply = policy.answer(
        exchange,
        createClientReply(exchange, response, { transit: () => transit, closing: () => inFlight.draining }),
      );
      transit = upstream.send(exchange, reply);
    };
    const guarded = (step: () => void) => (): void => {
      try {
        step();
      } catch (error) {
        failed(error);
      }
    };

    const judged = (body: Buffer): void => {
      const message = readMessage(body);
      if ('reason' in message) {
        if (message.reason === 'not-strict') exchange.rule = 'strict-reading';
        return answer(message);
      }
      exchange.message = message;
      const mismatch = mirroredHeadersProblem(message, request.rawHeaders);
      if (mismatch) {
        exchange.rule = 'mirrored-headers';
        return answer(mismatch);
      }
      inFlight.classify(entry);
      after(policy.request(exchange), guarded(forward));
    };
    const proceed = guarded(() => {
      if (request.method !== 'POST') return after(policy.request(exchange), guarded(forward));
      readBody(request, (body) => (Buffer.isBuffer(body) ? guarded(() => judged(body))() : answer(body)));
    });
    after(headProblem(request) ?? policy.head(exchange), proceed);
  };
}

function headProblem({ method, headers, rawHeaders }: IncomingMessage): Refusal | undefined {
  if (method !== 'POST' && method !== 'GET' && method !== 'DELETE')
    return refuse('method-not-allowed', undefined, { allow: 'POST, GET, DELETE' });
  if (method !== 'POST') return undefined;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    return refuse('media-type', 'Content-Encoding is not supported');
  const problem = contentTypeProblem(rawHeaders);
  if (problem !== undefined) return refuse('media-type', problem);
  return Number(headers['content-length'] ?? 0) > MAX_REQUEST_BYTES
    ? refuse('body-too-large', `over ${MAX_REQUEST_BYTES} bytes`)
    : undefined;
}

function readBody(request: IncomingMessage, done: (body: Buffer | Refusal) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let over = false;
  const finish = (body: Buffer | Refusal): void => {
    if (over) return;
    over = true;
    done(body);
  };
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_REQUEST_BYTES) {
      request.pause();
      return finish(refuse('body-too-large', `over ${MAX_REQUEST_BYTES} bytes`));
    }
    chunks.push(chunk);
  });
  request.on('end', () => finish(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  request.on('error', () => finish(refuse('body-incomplete')));
}
