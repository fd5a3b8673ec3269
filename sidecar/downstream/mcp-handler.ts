import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { readClientMessage, type ClientMessage } from '../client-message.ts';
import type { ServerConfig } from '../config.ts';
import type { Exchange, Refusal } from '../exchange.ts';
import { ANONYMOUS } from '../principal.ts';
import { requestFormProblem } from '../edge/request-form.ts';
import { forwardedProblem } from '../upstream/forwarded-headers.ts';
import { answerBatch } from './answer-batch.ts';
import type { Connection, Occupant } from './connection.ts';
import type { Load } from './limits.ts';
import { lingerWhenAnswered } from './linger.ts';
import { mirroredHeadersProblem } from './mirrored-headers.ts';
import { openPassage, type PassageDeps } from './passage.ts';
import { mayBatch, readBatch, startsLikeBatch } from './read-batch.ts';
import { readBody } from './request-body.ts';

const BRACE = 0x7b;

export interface McpHandlerDeps extends PassageDeps {
  /** How bodies are read; strictly, unless a test shows what strict reading is for. */
  readonly readMessage?: typeof readClientMessage;
}

/** @param accepted called when the request has been judged and is on its way to the server */
export type McpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  connection: Connection,
  accepted?: (message: ClientMessage | undefined) => void,
) => void;

/** Carries one HTTP request through policy to the server, and the answer back. */
export function createMcpHandler(server: ServerConfig, deps: McpHandlerDeps): McpHandler {
  const { policy, limits, readMessage = readClientMessage } = deps;
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
    const passage = openPassage(exchange, response, deps, {
      answering() {
        if (request.complete) return false;
        // What is left of the body is not read: the connection cannot be used again.
        connection.ended = true;
        lingerWhenAnswered(request.socket);
        return true;
      },
      closed: () => void connection.occupants.splice(connection.occupants.indexOf(occupant), 1),
      accepted,
    });
    const { share, answer, judgedBy, after, guarded, judge } = passage;
    const occupant: Occupant = {
      fail(refusal) {
        if (request.complete || response.headersSent) return false;
        answer(refusal);
        return true;
      },
    };
    connection.occupants.push(occupant);

    /** Of clients of streamable HTTP: those of HTTP+SSE are of a revision without batches. */
    const batch = (body: Buffer): void => {
      const messages = readBatch(body, readMessage);
      if ('reason' in messages) return unread(messages);
      after(undefined, () => {
        passage.split();
        answerBatch(messages, exchange, response, { ...deps, load: loadOf(exchange, connection) });
      });
    };
    const unread = (refusal: Refusal): void => {
      if (refusal.reason === 'not-strict') exchange.rule = 'strict-reading';
      answer(refusal);
    };
    const judged = (body: Buffer): void => {
      const unbound = exchange.judgeBody && judgedBy('auth', exchange.judgeBody(body));
      if (unbound) return answer(unbound);
      if (body[0] !== BRACE && !accepted && startsLikeBatch(body) && mayBatch(exchange)) return batch(body);
      const message = readMessage(body);
      if ('reason' in message) return unread(message);
      const mismatch = judgedBy('mirrored-headers', mirroredHeadersProblem(message, request.rawHeaders));
      if (mismatch) {
        exchange.message = message;
        return answer(mismatch);
      }
      passage.judgeMessage(message);
    };
    const proceed = guarded(() => {
      const crowded = judgedBy('limits', limits.identify(share, loadOf(exchange, connection)));
      if (crowded) return answer(crowded);
      if (request.method !== 'POST') return judge();
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
