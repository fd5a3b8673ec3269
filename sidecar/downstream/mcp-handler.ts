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
import { requestFormProblem } from '../edge/request-form.ts';
import { forwardedProblem } from '../upstream/forwarded-headers.ts';
import { answerRefusal, createClientReply } from './client-reply.ts';
import type { Connection, Occupant } from './connection.ts';
import type { InFlight } from './in-flight.ts';
import type { Limits, Load, Share } from './limits.ts';
import { lingerWhenAnswered } from './linger.ts';
import { mirroredHeadersProblem } from './mirrored-headers.ts';
import { readBody } from './request-body.ts';

export interface McpHandlerDeps {
  readonly policy: Policy;
  readonly upstream: Upstream;
  readonly inFlight: InFlight;
  readonly limits: Limits;
  readonly log: Log;
  /** How bodies are read; strictly, unless a test shows what strict reading is for. */
  readonly readMessage?: typeof readClientMessage;
}

/** @param accepted called when the request has been judged and is on its way to the server */
export type McpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  connection: Connection,
  accepted?: () => void,
) => void;

/** Carries one HTTP request through policy to the server, and the answer back. */
export function createMcpHandler(
  server: ServerConfig,
  { policy, upstream, inFlight, limits, log, readMessage = readClientMessage }: McpHandlerDeps,
): McpHandler {
  return (request, response, path, connection, accepted) => {
    const exchange: Exchange = {
      id: randomUUID(),
      server,
      head: {
        method: request.method as 'POST' | 'GET' | 'DELETE',
        path,
        headers: request.headers,
        remoteAddress: connection.clientAddress(request.headers['x-forwarded-for']),
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
    const share: Share = { kind: entry.kind, bodyBytes: 0 };
    // Node tells every answer that waits on a connection when that is gone.
    response.on('close', () => {
      gone = true;
      connection.occupants.splice(connection.occupants.indexOf(occupant), 1);
      inFlight.leave(entry);
      limits.leave(share);
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
      if (!request.complete) {
        connection.ended = true;
        lingerWhenAnswered(request.socket);
      }
      answerRefusal(exchange, response, refusal, !request.complete || inFlight.draining);
    };
    const occupant: Occupant = {
      fail(refusal) {
        if (request.complete || response.headersSent) return false;
        answer(refusal);
        return true;
      },
    };
    connection.occupants.push(occupant);
    const judgedBy = (rule: string, refusal: Refusal | undefined): Refusal | undefined => {
      if (refusal) exchange.rule = rule;
      return refusal;
    };
    const failed = (error: unknown): void => {
      log('internal_error', { audit_id: exchange.id, error: (error as Error).stack });
      answer(refuse('internal-error'));
    };
    /** Goes on when the verdict is in; at once when it is not a promise. */
    const after = (verdict: Refusal | undefined | Promise<Refusal | undefined>, next: () => void): void => {
      const decide = (refusal: Refusal | undefined): void => {
        if (gone || response.headersSent) return;
        if (refusal) answer(refusal);
        else next();
      };
      if (verdict instanceof Promise) verdict.then(decide).catch(failed);
      else decide(verdict);
    };
    const forward = (): void => {
      const reply = policy.answer(
        exchange,
        createClientReply(exchange, response, {
          transit: () => transit,
          closing: () => inFlight.draining,
          eventStreams: inFlight.eventStreams,
        }),
      );
      accepted?.();
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
      const mismatch = judgedBy('mirrored-headers', mirroredHeadersProblem(message, request.rawHeaders));
      if (mismatch) return answer(mismatch);
      inFlight.classify(entry);
      const crowded = judgedBy('limits', entry.kind === 'stream' ? limits.becomeStream(share) : undefined);
      if (crowded) return answer(crowded);
      after(policy.request(exchange), guarded(forward));
    };
    const proceed = guarded(() => {
      const crowded = judgedBy('limits', limits.identify(share, loadOf(exchange, connection)));
      if (crowded) return answer(crowded);
      if (request.method !== 'POST') return after(policy.request(exchange), guarded(forward));
      if (request.headers.expect !== undefined && request.httpVersion === '1.1') response.writeContinue();
      readBody(request, { limits, share }, (body) =>
        Buffer.isBuffer(body) ? guarded(() => judged(body))() : answer(body),
      );
    });
    after(
      judgedBy(
        'http',
        requestFormProblem(request) ?? forwardedProblem(request, server.upstream.forwardHeaders),
      ) ??
        judgedBy('limits', limits.enter(share)) ??
        policy.head(exchange),
      proceed,
    );
  };

  /** Callers without a name are told apart by their address. */
  function loadOf({ principal, head }: Exchange, connection: Connection): Load {
    const key = principal.kind === 'anonymous' ? head.remoteAddress : principal.digest;
    if (connection.load?.key !== key) connection.load = { key, of: limits.loadOf(key) };
    return connection.load.of;
  }
}
